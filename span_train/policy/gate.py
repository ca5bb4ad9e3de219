"""Tell whether an image is fit to be judged: sharp, lit as usual, of this product, in its place.

Limits are learnt from the unlabelled images (`learn_gate.py`) and travel in `policy.json`. What
fails the gate is at least rechecked, with its reason. Torch-free.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from span_train.contract.image_readings import USUAL_PX, Usual, usual_from

Measure = Literal[
    "alignment",
    "seen",
    "likeness",
    "fits_elsewhere",
    "highlights",
    "brightness",
    "clipped",
    "contrast",
    "fine_detail",
    "coarse_detail",
    "green_red",
    "blue_yellow",
    "strangeness",
]
Readings = Mapping[str, float]
GATE_WORDS: dict[tuple[str, str], str] = {
    ("alignment", "low"): "misaligned",
    ("seen", "low"): "misaligned: part of it lies outside the image",
    ("likeness", "low"): "foreign: unlike the usual part at any place",
    ("fits_elsewhere", "high"): "shifted: the part lies elsewhere in the image",
    ("highlights", "low"): "too dark",
    ("brightness", "high"): "too bright",
    ("clipped", "high"): "over- or underexposed",
    ("contrast", "low"): "too little contrast",
    ("fine_detail", "low"): "blurred",
    ("coarse_detail", "low"): "blurred",
    ("green_red", "low"): "too green",
    ("green_red", "high"): "too red",
    ("blue_yellow", "low"): "too blue",
    ("blue_yellow", "high"): "too yellow",
    ("strangeness", "high"): "every part of it is unlike what was learnt",
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class GateLimit(_Record):
    """What is usual for one measure; a side without a limit is None."""

    measure: Measure
    low: float | None = None
    high: float | None = None


class Gate(_Record):
    """What images must be like to be judged.

    Attributes:
        usual: The median image, 64 x 64 grey levels as hexadecimal text.
        limits: By measure; see `readings_of` and `strangeness`. Without one for `likeness` the
            images learnt from lie in no common pose: place and product are not asked for.
        images: How many images they were learnt from.
    """

    usual: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * USUAL_PX**2}}}$")]
    limits: tuple[GateLimit, ...]
    images: int = Field(ge=1)

    @model_validator(mode="after")
    def _one_limit_a_measure(self) -> "Gate":
        names = [limit.measure for limit in self.limits]
        if len(set(names)) != len(names):
            raise ValueError("two limits for one measure")
        return self

    @property
    def knows_the_pose(self) -> bool:
        """Whether place and product are asked for."""
        return any(limit.measure == "likeness" for limit in self.limits)

    def usual_image(self) -> Usual:
        """What images usually look like, as `readings_of` takes it."""
        return usual_from(bytes.fromhex(self.usual))

    def reasons(self, readings: Readings) -> list[str]:
        """Why an image is not fit to be judged, each with its number and limit; empty if it is."""
        found = []
        for limit in self.limits:
            value = readings.get(limit.measure)
            if value is None:
                continue
            if limit.low is not None and not value >= limit.low:
                found.append(_said(limit.measure, "low", value, limit.low))
            elif limit.high is not None and not value <= limit.high:
                found.append(_said(limit.measure, "high", value, limit.high))
        return found


def strangeness(outlier_parts_k: Sequence[float]) -> float:
    """Natural logarithm of the outlier score of the part that is most like what was learnt."""
    return math.log(max(min(outlier_parts_k, default=0.0), 1e-6))


def _said(measure: str, side: str, value: float, limit: float) -> str:
    words = GATE_WORDS.get((measure, side), f"unusual {measure}")
    bound = "at least" if side == "low" else "at most"
    return f"{words} ({measure} {value:.3g}, {bound} {limit:.3g})"
