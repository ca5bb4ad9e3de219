"""Tell whether a shift's images and scores are still like those a bundle started with.

Each reading of the shift is held against that of the first images that the bundle inspected on
this store, by the two-sample Kolmogorov-Smirnov statistic (scipy): the largest distance between the
shares of images below any value. With hundreds of images even what does not matter is significant,
so what is said is the distance itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from inspect_app.store.period import Readings

REFERENCE_PARTS = 500
SAMPLE_PARTS = 2000
FEWEST = 30
NOTABLE, LARGE = 0.2, 0.4
ATTENTION = "attention: "  # before the name of a part
READINGS = ("z", "outlier", "brightness", "sharpness")


@dataclass(frozen=True)
class Drift:
    """How far one reading moved.

    Attributes:
        reading: Which one.
        before, now: Its medians.
        distance: Kolmogorov-Smirnov statistic, 0 to 1.
    """

    reading: str
    before: float
    now: float
    distance: float

    @property
    def is_notable(self) -> bool:
        """Whether it is worth an eye."""
        return self.distance >= NOTABLE

    @property
    def is_large(self) -> bool:
        """Whether somebody must find out what changed."""
        return self.distance >= LARGE


def drifts(before: Sequence[Readings], now: Sequence[Readings]) -> list[Drift]:
    """Every reading's drift; none where there are too few images on either side."""
    start, shift = (_readings(images) for images in (before, now))
    found = []
    for reading, one in start.items():
        other = shift.get(reading, [])
        if min(len(one), len(other)) < FEWEST:
            continue
        distance = float(stats.ks_2samp(one, other).statistic)
        found.append(Drift(reading, float(np.median(one)), float(np.median(other)), distance))
    return found


def _readings(images: Sequence[Readings]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {reading: [] for reading in READINGS}
    for image in images:
        values = {"z": image.z, "outlier": image.outlier, **(image.quality or {})}
        kept = {reading: values.get(reading) for reading in READINGS}
        kept |= {ATTENTION + part: share for part, share in (image.adherence or {}).items()}
        for reading, value in kept.items():
            if value is not None:
                found.setdefault(reading, []).append(value)
    return found
