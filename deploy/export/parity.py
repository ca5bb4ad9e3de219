"""Make sure that the exported graph answers like its network, and that evidence adds up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS, Precision
from deploy.runtime.agreement import (
    LINE_TOLERANCE,
    TOLERANCE,
    Agreement,
    Arrays,
    compare,
    verdicts,
)
from deploy.runtime.session import GraphSession
from span_train.contract.errors import GateMissed
from span_train.models.inspection_model import InspectionModel
from span_train.policy.policy import Policy

ADVICE = "the run cannot be exported with these versions of torch and onnxruntime"
_BATCH = 16


@dataclass(frozen=True)
class NetworkAnswers:
    """What the network answers in torch to some images.

    Attributes:
        names: A name for each image.
        squares_nhwc: (N, S, S, 3) uint8.
        outputs: By output name.
        verdicts: `pass`, `recheck` or `fail` each.
    """

    names: tuple[str, ...]
    squares_nhwc: npt.NDArray[np.uint8]
    outputs: dict[str, npt.NDArray[np.float32]]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    """How far torch and the graph lie apart on the example images.

    Attributes:
        precision: Of the numbers inside the graph.
        outputs: What the line has to find: torch's answers; where the graph rounds more than they
            do, the graph's own.
        verdicts: The verdicts that follow from them.
        agreement: Of the graph with torch, the worse of one batch and of images one by one.
        largest_sum_gap: Between z and the sum of bias and contributions, or evidence, relative
            to ``max(1, sum of their sizes)``.
        provider: Where the graph ran.
    """

    precision: Precision
    outputs: dict[str, npt.NDArray[np.float32]]
    verdicts: tuple[str, ...]
    agreement: Agreement
    largest_sum_gap: float
    provider: str

    def as_json(self) -> dict[str, object]:
        """The contents of `parity.json`, without library versions and calibration images."""
        return {
            "precision": self.precision,
            "images": self.agreement.images,
            "largest_difference": self.agreement.largest_difference,
            "tolerance": dict(LINE_TOLERANCE[self.precision]),
            "verdict_flips": len(self.agreement.flips),
            "largest_sum_gap": self.largest_sum_gap,
            "provider": self.provider,
        }


def ask_network(
    model: InspectionModel,
    squares_nhwc: npt.NDArray[np.uint8],
    names: Sequence[str],
    policy: Policy,
) -> NetworkAnswers:
    """Run images, (N, S, S, 3) uint8, through torch; `policy` gives the verdicts."""
    said = []
    with torch.inference_mode():
        for start in range(0, len(squares_nhwc), _BATCH):
            answers = model(torch.from_numpy(squares_nhwc[start : start + _BATCH].copy()))
            said.append({n: a.numpy().copy() for n, a in zip(GRAPH_OUTPUTS, answers, strict=True)})
    outputs = _joined(said)
    return NetworkAnswers(tuple(names), squares_nhwc, outputs, verdicts(outputs, policy))


def ask_graph(
    graph: GraphSession, squares_nhwc: npt.NDArray[np.uint8], at_once: int = _BATCH
) -> dict[str, npt.NDArray[np.float32]]:
    """Run images, (N, S, S, 3) uint8, through the graph, so many at once."""
    starts = range(0, len(squares_nhwc), at_once)
    return _joined([graph.run(squares_nhwc[start : start + at_once]) for start in starts])


def check_parity(
    expected: NetworkAnswers,
    graph: GraphSession,
    policy: Policy,
    precision: Precision = "float32",
) -> Parity:
    """Compare torch and graph on a bundle's example images.

    Raises:
        GateMissed: Bias and evidence do not sum to z; in float32 also: an output is above its
            tolerance (logits 1e-4, others 1e-3), or a verdict differs. The message names the worst
            image. (In float16 and int8, `check_calibration` tells how many verdicts may differ.)
    """
    found = ask_graph(graph, expected.squares_nhwc, len(expected.names))
    single = ask_graph(graph, expected.squares_nhwc, 1)
    together, one_by_one = (
        compare(expected.outputs, outputs, expected.names, expected.verdicts, policy)
        for outputs in (found, single)
    )
    outputs = expected.outputs if precision == "float32" else found
    if precision == "float32":
        for agreement, how in ((together, "one batch"), (one_by_one, "images one by one")):
            agreement.check(f"the graph differs from torch ({how})", ADVICE, TOLERANCE)
    return Parity(
        precision,
        outputs,
        verdicts(outputs, policy),
        together.worse(one_by_one),
        _check_sums(outputs, expected.names),
        graph.provider,
    )


def _joined(said: Sequence[Arrays]) -> dict[str, npt.NDArray[np.float32]]:
    """The outputs of several batches as those of one; `bias` is the same in all."""
    return {
        name: np.concatenate([outputs[name] for outputs in said])
        if name in PER_IMAGE_OUTPUTS
        else np.asarray(said[0][name])
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
