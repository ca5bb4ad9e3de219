"""Compare two answers to the same images, and say which image differs most and by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS, Precision
from span_train.contract.errors import GateMissed
from span_train.policy.policy import Policy

# Logits are held absolutely. The others can be large sums of squares, where float32 itself has
# steps of that size: they are held in units of the output's largest expected value, at least 1.
TOLERANCE = {name: 1e-4 if name == "logits" else 1e-3 for name in GRAPH_OUTPUTS}
# What one graph may answer on two machines. Where it rounds more, two patches that deviate equally
# can change places, and evidence moves between them: only the logits are held then.
LINE_TOLERANCE: Mapping[Precision, Mapping[str, float]] = {
    "float32": TOLERANCE,
    "float16": {"logits": 0.02},
    "int8": {"logits": 0.1},
}
Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Agreement:
    """How far two answers lie apart.

    Attributes:
        images: How many images were compared.
        largest_difference: By output: absolute for logits, else relative to
            ``max(1, largest expected value)``; infinite where a value is no finite number.
        worst_image: By output: the name of the image with that difference.
        flips: Names of images whose verdict differs.
    """

    images: int
    largest_difference: dict[str, float]
    worst_image: dict[str, str]
    flips: tuple[str, ...]

    def worse(self, other: "Agreement") -> "Agreement":
        """Of two comparisons of the same images, the larger difference of each output."""
        differences, worst = dict(self.largest_difference), dict(self.worst_image)
        for name, difference in other.largest_difference.items():
            if difference > differences[name]:
                differences[name], worst[name] = difference, other.worst_image[name]
        return Agreement(self.images, differences, worst, (*self.flips, *other.flips))

    def check(self, what: str, advice: str, tolerance: Mapping[str, float] = TOLERANCE) -> None:
        """Stop when any output is above its tolerance or any verdict differs.

        Args:
            what: What was compared, to start the message with.
            advice: What to do, to end the message with.
            tolerance: By output; outputs without one may differ.

        Raises:
            GateMissed: Naming the output, the worst image, the difference and the tolerance.
        """
        if self.flips:
            raise GateMissed(f"{what}: the verdict on {self.flips[0]} differs; {advice}.")
        over = {
            name: self.largest_difference[name] / allowed
            for name, allowed in tolerance.items()
            if not self.largest_difference[name] <= allowed
        }
        if over:
            name = max(over, key=lambda output: over[output])
            raise GateMissed(
                f"{what}: {name} of {self.worst_image[name]} differs by "
                f"{self.largest_difference[name]:.2g}, at most {tolerance[name]:.0e} is allowed; "
                f"{advice}."
            )


def compare(
    expected: Arrays,
    found: Arrays,
    names: Sequence[str],
    expected_verdicts: Sequence[str],
    policy: Policy,
) -> Agreement:
    """Compare two sets of graph outputs for the same images.

    Args:
        expected, found: Arrays by output name, the image axis first (`bias` has none).
        names: A name for each image, for messages.
        expected_verdicts: The verdict on each image that `found` must lead to.
        policy: Gives those verdicts.
    """
    differences, worst = {}, {}
    for output in GRAPH_OUTPUTS:
        per_image = differences_of(output, expected[output], found[output])
        place = int(np.argmax(per_image))
        differences[output] = float(per_image[place])
        worst[output] = names[place] if output in PER_IMAGE_OUTPUTS else "all images"
    flips = tuple(
        f"{name} ({was} became {became})"
        for name, was, became in zip(names, expected_verdicts, verdicts(found, policy), strict=True)
        if was != became
    )
    return Agreement(len(names), differences, worst, flips)


def verdicts(outputs: Arrays, policy: Policy) -> tuple[str, ...]:
    """The policy's verdict on each image of some graph outputs."""
    z_and_outlier = zip(outputs["logits"][:, 0].tolist(), outputs["outlier"].tolist(), strict=True)
    return tuple(policy.decide(z, outlier).name for z, outlier in z_and_outlier)


def differences_of(
    output: str, expected: npt.NDArray[np.float32], found: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The largest difference of an output in each image (in all of `bias`): (N,), or (1,).

    In the units of `Agreement.largest_difference`.
    """
    images = len(expected) if output in PER_IMAGE_OUTPUTS else 1
    apart = np.abs(expected.astype(np.float64) - found).reshape(images, -1)
    apart[~np.isfinite(apart)] = np.inf
    scale = 1.0 if output == "logits" else max(1.0, float(np.abs(expected).max(initial=0.0)))
    return np.asarray(apart.max(axis=1, initial=0.0) / scale, np.float64)
