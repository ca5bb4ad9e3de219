"""Compare the exported graph with its network on the calibration images, verdict by verdict."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from deploy.bundle.graph_outputs import Precision
from deploy.export.check_images import CheckImages
from deploy.export.parity import ADVICE, NetworkAnswers, ask_graph
from deploy.runtime.agreement import TOLERANCE, Agreement, Arrays, compare, differences_of, verdicts
from deploy.runtime.session import GraphSession
from span_train.contract.errors import GateMissed
from span_train.policy.policy import Policy

MAX_FLIPS = 0.005
# Two patches that deviate equally can change places among the largest by a rounding: evidence
# then moves from one to the other, while its sum stays. That may happen, but rarely.
_MAY_MOVE = ("evidence", "contributions")
_MOST_MOVED = 0.01
_SHOWN_FLIPS = 20


@dataclass(frozen=True)
class CalibrationParity:
    """How far torch and the graph lie apart on the calibration images.

    Attributes:
        split: Where the images come from.
        available: How many images that split has.
        agreement: Of the graph with torch.
        flips: Each image with another verdict, the largest change of z first.
        broken: Those that speak against the bundle's promises: a defective image that became
            `pass`, or a good one that became `fail`.
        max_flips: The share that was allowed.
        moved: Images in which evidence or contributions differ by more than rounding.
        auroc: Of z through torch and through the graph; None without both classes.
    """

    split: str
    available: int
    agreement: Agreement
    flips: tuple[str, ...]
    broken: tuple[str, ...]
    max_flips: float
    moved: int
    auroc: tuple[float, float] | None

    def as_json(self) -> dict[str, object]:
        """As `parity.json` holds it."""
        auroc = self.auroc and {"network": self.auroc[0], "graph": self.auroc[1]}
        return {
            "split": self.split,
            "images": self.agreement.images,
            "available": self.available,
            "largest_difference": self.agreement.largest_difference,
            "worst_image": self.agreement.worst_image,
            "verdict_flips": len(self.flips),
            "max_flips": self.max_flips,
            "flips": list(self.flips[:_SHOWN_FLIPS]),
            "moved_evidence": self.moved,
            "auroc": auroc,
        }


def check_calibration(
    expected: NetworkAnswers,
    images: CheckImages,
    graph: GraphSession,
    policy: Policy,
    precision: Precision = "float32",
    max_flips: float = MAX_FLIPS,
) -> CalibrationParity:
    """Compare torch and graph on the calibration images.

    Args:
        expected: What torch answers to `images`.
        max_flips: Share of verdicts that may differ in float16 and int8; in float32 none may.

    Raises:
        GateMissed: More verdicts differ; or one of them is a further escape, or a further good part
            that fails, so that the bundle's promises would not hold; or, in float32, an output is
            above its tolerance, or evidence moves in more than 1 % of the images. The message names
            the worst image.
    """
    found = ask_graph(graph, expected.squares_nhwc)
    flips = _flips(expected, found, policy)
    parity = CalibrationParity(
        images.split,
        images.available,
        compare(expected.outputs, found, expected.names, expected.verdicts, policy),
        tuple(flip.words for flip in flips),
        tuple(flip.words for flip in flips if _breaks(flip, images)),
        0.0 if precision == "float32" else max_flips,
        _moved(expected.outputs, found),
        _auroc(images.defective, expected.outputs, found),
    )
    _check_flips(parity, precision)
    if precision == "float32":
        _check_outputs(parity)
    return parity


@dataclass(frozen=True)
class _Flip:
    place: int
    became: str
    words: str


def _flips(expected: NetworkAnswers, found: Arrays, policy: Policy) -> list[_Flip]:
    """The images with another verdict, the largest change of z first."""
    before, after = expected.outputs["logits"][:, 0], found["logits"][:, 0]
    pairs = enumerate(zip(expected.verdicts, verdicts(found, policy), strict=True))
    flips = [
        _Flip(
            place,
            became,
            f"{expected.names[place]} ({was} became {became}, z {before[place]:.3f} became "
            f"{after[place]:.3f})",
        )
        for place, (was, became) in pairs
        if was != became
    ]
    return sorted(flips, key=lambda flip: -abs(float(after[flip.place] - before[flip.place])))


def _breaks(flip: _Flip, images: CheckImages) -> bool:
    if images.defective is None:
        return False
    return flip.became == ("pass" if images.defective[flip.place] else "fail")


def _moved(expected: Arrays, found: Arrays) -> int:
    apart = [
        differences_of(name, expected[name], found[name]) > TOLERANCE[name] for name in _MAY_MOVE
    ]
    return int(np.any(apart, axis=0).sum())


def _auroc(
    defective: npt.NDArray[np.bool_] | None, expected: Arrays, found: Arrays
) -> tuple[float, float] | None:
    if defective is None or defective.all() or not defective.any():
        return None
    network, graph = (
        float(roc_auc_score(defective, np.nan_to_num(outputs["logits"][:, 0])))
        for outputs in (expected, found)
    )
    return network, graph


def _check_flips(parity: CalibrationParity, precision: Precision) -> None:
    flips, images = len(parity.flips), parity.agreement.images
    advice = ADVICE if precision == "float32" else "export in float32, or raise --max-flips"
    if not flips <= parity.max_flips * images:
        raise GateMissed(
            f"{precision}: {flips} of {images} {parity.split} images ({flips / images:.1%}) get "
            f"another verdict than from the network, at most {parity.max_flips:.1%} may; the "
            f"worst: {parity.flips[0]}; {advice}."
        )
    if parity.broken:
        raise GateMissed(
            f"{precision}: {parity.broken[0]} is judged worse than when the promises of the "
            "policy were counted, and they would not hold; export in float32."
        )


def _check_outputs(parity: CalibrationParity) -> None:
    images, split = parity.agreement.images, parity.split
    held = {name: allowed for name, allowed in TOLERANCE.items() if name not in _MAY_MOVE}
    parity.agreement.check(f"the graph differs from torch on {split} images", ADVICE, held)
    if parity.moved > max(1, _MOST_MOVED * images):
        worst = parity.agreement.worst_image["evidence"]
        raise GateMissed(
            f"the graph differs from torch in the evidence of {parity.moved} of {images} {split} "
            f"images, most in {worst}; {ADVICE}."
        )
