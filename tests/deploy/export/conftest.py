"""A whole small network with its own operations, and a graph that lies by a given amount."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from deploy.export.onnx_file import TracedGraph, trace
from deploy.runtime.session import GraphSession
from span_train.finetune.run import TrainedLine
from span_train.models.backbone import build_backbone
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import InspectionModel
from span_train.models.place_deviation import PlaceDeviation
from span_train.policy.policy import Policy

PARTS = ("body", "left_lead")


@dataclass
class TamperedGraph:
    """A graph whose answers about some images are off by a given amount.

    Attributes:
        image: Its place among all images asked about, however they are divided into batches.
    """

    graph: GraphSession
    output: str
    image: int
    by: float
    provider: str = "cpu"
    calls: list[int] = field(default_factory=list)

    def run(self, images_nhwc: np.ndarray) -> dict[str, np.ndarray]:
        """Answer, then lie about one image."""
        outputs = {name: array.copy() for name, array in self.graph.run(images_nhwc).items()}
        self.calls.append(len(images_nhwc))
        if len(images_nhwc) > self.image:
            outputs[self.output][self.image] += self.by
        return outputs


def whole_model() -> InspectionModel:
    """Backbone and head with random numbers, as they are exported."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = build_backbone("small", 32, width=48, depth=3, heads=6)
    head = DefectHead(
        PlaceDeviation(48, 8, 16),
        torch.arange(16)[None] // 4 == torch.arange(2)[:, None],
        PARTS,
        heads=6,
        outputs=3,
        top_k=5,
    )
    for buffer in head.buffers():
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
    typical = (head.weight @ head.typical_features)[:, None] / 16
    head.typical_evidence.copy_(typical.expand(-1, 16))
    return InspectionModel(backbone, head, (1,), PARTS, ("scratch", "blot")).eval()


@pytest.fixture(scope="session")
def whole_traced() -> TracedGraph:
    """The whole network as a graph, traced once."""
    return trace(whole_model())


@pytest.fixture(scope="session")
def whole_line(make_trained: Callable[..., TrainedLine]) -> TrainedLine:
    """A trained line around the whole network; nothing is near its thresholds."""
    policy = Policy(t_pass=-1e4, t_fail=1e4)
    return make_trained(model=whole_model(), policy=policy)
