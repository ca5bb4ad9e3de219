"""Tell whether an image is fit to be judged: sharp, lit as usual, of this product, in its place.

Limits are learnt from the unlabelled images (`learn_gate.py`) and travel in `policy.json`. What
fails the gate is at least rechecked, with its reason. Torch-free.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from span_train.contract.image import RGB
from span_train.contract.image_quality import ImageQuality

Measure = Literal[
    "brightness",
    "contrast",
    "detail",
    "clipped",
    "green_red",
    "blue_yellow",
    "likeness",
    "shift",
    "strangeness",
]
Readings = Mapping[str, float]
Picture = npt.NDArray[np.float32]
USUAL_PX = 64
_REACH_PX = 10  # about 16 % of the side
_GAINED = 0.1
_WORDS: dict[tuple[str, str], str] = {
    ("brightness", "low"): "too dark",
    ("brightness", "high"): "too bright",
    ("contrast", "low"): "too little contrast",
    ("contrast", "high"): "too much contrast",
    ("detail", "low"): "blurred",
    ("clipped", "high"): "over- or underexposed",
    ("green_red", "low"): "too green",
    ("green_red", "high"): "too red",
    ("blue_yellow", "low"): "too blue",
    ("blue_yellow", "high"): "too yellow",
    ("likeness", "low"): "unlike the usual part: moved, turned, or another product",
    ("shift", "high"): "the part lies elsewhere in the image",
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
        usual: The mean image, 64 x 64 grey levels as hexadecimal text.
        limits: By measure; see `readings_of`.
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

    def usual_picture(self) -> Picture:
        """The mean image's outlines, as `readings_of` takes them."""
        return _outlines_of(self.usual)

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


def readings_of(square: RGB, quality: ImageQuality, usual: Picture) -> dict[str, float]:
    """Measure a fitted image; the network adds `strangeness`, in natural logarithm.

    Args:
        square: (S, S, 3) uint8, as the network sees it.
        quality: Of the same square.
        usual: From `Gate.usual_picture`.

    Returns:
        brightness, clipped: As in `quality`.
        contrast: Natural logarithm of the grey levels' standard deviation.
        detail: Natural logarithm of the Laplacian's variance over that of the grey levels.
        green_red, blue_yellow: Mean of CIE L*a*b*'s a* and b*.
        likeness: Correlation of its outlines with the usual image's.
        shift: By what share of the side its outlines fit the usual ones clearly better elsewhere.
    """
    spread = max(quality.contrast * 255, 0.1)
    means = np.asarray(cv2.mean(cv2.cvtColor(square, cv2.COLOR_RGB2Lab)))
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    own = outlines(_small(np.asarray(grey, np.uint8)))
    return {
        "brightness": quality.brightness,
        "contrast": float(np.log(spread)),
        "detail": float(np.log((quality.sharpness + 1) / (spread**2 + 1))),
        "clipped": quality.clipped,
        "green_red": float(means[1]) - 128,
        "blue_yellow": float(means[2]) - 128,
        "likeness": float((own * usual).mean()),
        "shift": _shift(own, usual),
    }


def strangeness(outlier_parts_k: Sequence[float]) -> float:
    """Natural logarithm of the outlier score of the part that is most like what was learnt."""
    return math.log(max(min(outlier_parts_k, default=0.0), 1e-6))


def small_grey(square: RGB) -> npt.NDArray[np.uint8]:
    """The square as 64 x 64 grey levels."""
    return _small(np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8))


def outlines(grey: npt.NDArray[np.uint8]) -> Picture:
    """Grey levels without slow shading and grain, mean 0 and spread 1."""
    levels = grey.astype(np.float32)
    plain = cv2.GaussianBlur(levels - cv2.GaussianBlur(levels, (0, 0), USUAL_PX / 8), (0, 0), 1)
    plain = np.asarray(plain, np.float32)
    return np.asarray((plain - plain.mean()) / max(float(plain.std()), 0.5), np.float32)


@lru_cache(maxsize=8)
def _outlines_of(usual: str) -> Picture:
    levels = np.frombuffer(bytes.fromhex(usual), np.uint8)
    found = outlines(levels.reshape(USUAL_PX, USUAL_PX))
    found.flags.writeable = False  # all threads share it
    return found


def _small(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    how = cv2.INTER_AREA if grey.shape[0] > USUAL_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (USUAL_PX, USUAL_PX), interpolation=how), np.uint8)


def _shift(own: Picture, usual: Picture) -> float:
    middle = np.ascontiguousarray(usual[_REACH_PX:-_REACH_PX, _REACH_PX:-_REACH_PX])
    fits = np.asarray(cv2.matchTemplate(own, middle, cv2.TM_CCOEFF_NORMED))
    down, right = np.unravel_index(int(fits.argmax()), fits.shape)
    if fits[down, right] - fits[_REACH_PX, _REACH_PX] <= _GAINED:
        return 0.0
    return float(np.hypot(down - _REACH_PX, right - _REACH_PX)) / USUAL_PX


def _said(measure: str, side: str, value: float, limit: float) -> str:
    words = _WORDS.get((measure, side), f"unusual {measure}")
    bound = "at least" if side == "low" else "at most"
    return f"{words} ({measure} {value:.3g}, {bound} {limit:.3g})"
