from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from deploy.export.parity import check_parity
from deploy.runtime.inspector import Inspector
from deploy.runtime.session import GraphSession
from span_train.contract.errors import GateMissed
from span_train.contract.image import RGB, fit
from span_train.finetune.run import TrainedLine

NAMES = ["a.png", "b.png", "c.png"]


@dataclass
class TamperedGraph:
    """A graph whose answers are off by a given amount."""

    graph: GraphSession
    output: str
    image: int
    by: float
    provider: str = "cpu"
    whole_batch_only: bool = False
    calls: list[int] = field(default_factory=list)

    def run(self, images_nhwc: np.ndarray) -> dict[str, np.ndarray]:
        """Answer, then lie about one image."""
        outputs = {name: array.copy() for name, array in self.graph.run(images_nhwc).items()}
        self.calls.append(len(images_nhwc))
        if len(images_nhwc) > self.image:
            outputs[self.output][self.image] += self.by
        return outputs


@pytest.fixture
def fitted(drawn: Callable[..., RGB]) -> np.ndarray:
    return np.stack([fit(drawn(seed, seed == 1), 32)[0] for seed in range(3)])


def test_the_graph_agrees_with_its_network(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    trained = make_trained()
    parity = check_parity(trained.model, inspector.graph, fitted, NAMES, trained.policy)
    assert parity.agreement.largest_difference["logits"] < 1e-5
    assert parity.agreement.flips == ()
    assert parity.largest_sum_gap < 1e-5
    assert parity.as_json()["images"] == 3


@pytest.mark.parametrize(
    ("output", "by", "allowed"),
    [("logits", 2e-4, "1e-04"), ("evidence", 2e-3, "1e-03"), ("outlier_parts", 0.1, "1e-03")],
)
def test_a_difference_above_tolerance_names_the_worst_image(
    make_trained: Callable[..., TrainedLine],
    inspector: Inspector,
    fitted: np.ndarray,
    output: str,
    by: float,
    allowed: str,
) -> None:
    trained = make_trained()
    graph = TamperedGraph(inspector.graph, output, 1, by)
    with pytest.raises(GateMissed, match=rf"{output} of b\.png differs by .* at most {allowed}"):
        check_parity(trained.model, graph, fitted, NAMES, trained.policy)


def test_a_difference_within_tolerance_is_allowed_but_told(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    trained = make_trained()
    graph = TamperedGraph(inspector.graph, "logits", 2, 5e-5)
    parity = check_parity(trained.model, graph, fitted, NAMES, trained.policy)
    assert parity.agreement.largest_difference["logits"] == pytest.approx(5e-5, rel=0.1)
    assert parity.agreement.worst_image["logits"] == "c.png"
    assert graph.calls == [3, 1, 1, 1]


def test_a_flipped_verdict_is_refused_even_within_tolerance(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    trained = make_trained()
    z = float(inspector.graph.run(fitted)["logits"][0, 0])
    policy = trained.policy.model_copy(update={"t_pass": z + 2e-5, "t_fail": z + 2e-5})
    graph = TamperedGraph(inspector.graph, "logits", 0, 4e-5)
    with pytest.raises(GateMissed, match=r"verdict on a\.png \(pass became fail\) differs"):
        check_parity(trained.model, graph, fitted, NAMES, policy)


def test_an_answer_that_is_no_number_is_refused(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    trained = make_trained()
    graph = TamperedGraph(inspector.graph, "attention", 0, float("nan"))
    with pytest.raises(GateMissed, match=r"attention of a\.png differs by inf"):
        check_parity(trained.model, graph, fitted, NAMES, trained.policy)


def test_evidence_that_does_not_add_up_is_refused(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    trained = make_trained()
    forward = trained.model.forward

    def wrong(images: object) -> object:
        outputs = forward(images)
        return outputs._replace(evidence=outputs.evidence * 1.5)

    trained.model.forward = wrong

    class Echo(TamperedGraph):
        def run(self, images_nhwc: np.ndarray) -> dict[str, np.ndarray]:
            outputs = self.graph.run(images_nhwc)
            return outputs | {"evidence": outputs["evidence"] * np.float32(1.5)}

    graph = Echo(inspector.graph, "logits", 0, 0.0)
    with pytest.raises(GateMissed, match="bias and evidence miss the logits"):
        check_parity(trained.model, graph, fitted, NAMES, trained.policy)
