"""Make sure that the exported graph answers like its network, and that evidence adds up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS
from deploy.runtime.agreement import TOLERANCE, Agreement, Arrays, compare, verdicts
from deploy.runtime.session import GraphSession
from span_train.contract.errors import GateMissed
from span_train.models.inspection_model import InspectionModel
from span_train.policy.policy import Policy

_ADVICE = "the run cannot be exported with these versions of torch and onnxruntime"


@dataclass(frozen=True)
class Parity:
    """How far torch and the graph lie apart on the example images.

    Attributes:
        outputs: What torch answered, by output name.
        agreement: Of the graph with torch, the worse of one batch and of images one by one.
        largest_sum_gap: Between z and the sum of bias and contributions, or evidence, relative
            to ``max(1, sum of their sizes)``.
        provider: Where the graph ran.
    """

    outputs: dict[str, npt.NDArray[np.float32]]
    agreement: Agreement
    largest_sum_gap: float
    provider: str

    def as_json(self) -> dict[str, object]:
        """The contents of `parity.json`, without library versions."""
        return {
            "images": self.agreement.images,
            "largest_difference": self.agreement.largest_difference,
            "tolerance": TOLERANCE,
            "verdict_flips": len(self.agreement.flips),
            "largest_sum_gap": self.largest_sum_gap,
            "provider": self.provider,
        }


def check_parity(
    model: InspectionModel,
    graph: GraphSession,
    fitted_nhwc: npt.NDArray[np.uint8],
    names: Sequence[str],
    policy: Policy,
) -> Parity:
    """Compare torch and graph on images, (N, S, S, 3) uint8.

    Args:
        names: A name for each image, for messages.
        policy: Gives the verdicts that must not differ.

    Raises:
        GateMissed: An output is above its tolerance (logits 1e-4, others 1e-3), a verdict differs,
            or bias and evidence do not sum to z; the message names the worst image.
    """
    with torch.inference_mode():
        answers = model(torch.from_numpy(fitted_nhwc.copy()))
    outputs = {
        name: answer.numpy().copy() for name, answer in zip(GRAPH_OUTPUTS, answers, strict=True)
    }
    expected_verdicts = verdicts(outputs, policy)
    together = compare(outputs, graph.run(fitted_nhwc), names, expected_verdicts, policy)
    one_by_one = compare(outputs, _one_by_one(graph, fitted_nhwc), names, expected_verdicts, policy)
    for agreement, how in ((together, "one batch"), (one_by_one, "images one by one")):
        agreement.check(f"the graph differs from torch ({how})", _ADVICE)
    gap = _check_sums(outputs, names)
    return Parity(outputs, together.worse(one_by_one), gap, graph.provider)


def _one_by_one(
    graph: GraphSession, fitted_nhwc: npt.NDArray[np.uint8]
) -> dict[str, npt.NDArray[np.float32]]:
    single = [graph.run(fitted_nhwc[place : place + 1]) for place in range(len(fitted_nhwc))]
    return {
        name: np.concatenate([outputs[name] for outputs in single])
        if name in PER_IMAGE_OUTPUTS
        else single[0][name]
        for name in GRAPH_OUTPUTS
    }


def _check_sums(outputs: Arrays, names: Sequence[str]) -> float:
    logits = outputs["logits"].astype(np.float64)
    worst = 0.0
    for what, axes in (("contributions", (2,)), ("evidence", (2, 3))):
        amounts = outputs[what].astype(np.float64)
        gaps = np.abs(outputs["bias"] + amounts.sum(axis=axes) - logits)
        relative = gaps / np.maximum(1.0, np.abs(amounts).sum(axis=axes))
        place = int(np.argmax(relative.max(axis=1)))
        gap = float(relative[place].max())
        if not gap <= TOLERANCE[what]:
            raise GateMissed(
                f"{names[place]}: bias and {what} miss the logits by {gap:.2g} of their size, at "
                f"most {TOLERANCE[what]:.0e} is allowed; it must not be shown, train again."
            )
        worst = max(worst, gap)
    return worst
