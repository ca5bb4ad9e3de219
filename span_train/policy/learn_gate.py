"""Learn from a line's own images what is usual, so that the gate knows what is not.

Limits lie beyond the middle by a multiple of how far the 2 % of most unusual images on either side
lie: a few odd images among those learnt from do not move them. How often good images fail, and bad
ones are caught: docs/results/gate.md. Letters: M images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from span_train.contract.align import Aligned
from span_train.contract.image_quality import measure_quality
from span_train.contract.image_readings import readings_of, small_grey, usual_from
from span_train.policy.gate import Gate, GateLimit, Measure

FEWEST = 30
_TAIL = 0.02
_COMMON_POSE = 0.5  # correlation of the middle image's outlines with the usual ones


@dataclass(frozen=True)
class _Rule:
    """How a measure is limited.

    Attributes:
        least: The limit is never nearer to the middle than this.
        low, high: Which sides are limited.
        ratio: Whether distances are natural logarithms of ratios.
        times: How many times as far as the 2 % tail the limit lies.
    """

    measure: Measure
    least: float
    low: bool = True
    high: bool = True
    ratio: bool = False
    times: float = 1.5


_RULES = (
    _Rule("alignment", 0.1, high=False),
    _Rule("seen", 0.05, high=False),
    _Rule("likeness", 0.1, high=False),
    _Rule("fits_elsewhere", 0.3, low=False),
    _Rule("highlights", 0.2, high=False, ratio=True),
    _Rule("brightness", 0.2, low=False, ratio=True),
    _Rule("clipped", 0.05, low=False),
    _Rule("contrast", 0.2, high=False, ratio=True),
    _Rule("fine_detail", 0.2, high=False, ratio=True),
    _Rule("coarse_detail", 0.2, high=False, ratio=True),
    _Rule("green_red", 2.0),
    _Rule("blue_yellow", 2.0),
    # The network knows the images that it learnt from a little too well.
    _Rule("strangeness", 0.225, low=False, times=2.25),
)
_OF_THE_POSE: tuple[Measure, ...] = ("likeness", "fits_elsewhere")


def learn_gate(
    squares_mssc: npt.NDArray[np.uint8],
    strangeness_m: Sequence[float] | None = None,
    aligned_m: Sequence[Aligned] | None = None,
) -> Gate | None:
    """The gate for images like these; None where they are too few to tell what is usual.

    Args:
        squares_mssc: (M, S, S, 3) uint8, fitted images; some may be defective.
        strangeness_m: The network's reading of each; None leaves that limit out.
        aligned_m: How well each was aligned; None where nothing is.
    """
    if len(squares_mssc) < FEWEST:
        return None
    middle = np.median([small_grey(square) for square in squares_mssc], axis=0)
    levels = np.asarray(np.round(middle), np.uint8).tobytes()
    values = _measured(squares_mssc, levels, aligned_m)
    if strangeness_m is not None:
        values["strangeness"] = np.array(strangeness_m, np.float64)
    if float(np.median(values["likeness"])) < _COMMON_POSE:
        for measure in _OF_THE_POSE:
            del values[measure]
    limits = [_limit(rule, values[rule.measure]) for rule in _RULES if rule.measure in values]
    return Gate(usual=levels.hex(), limits=tuple(limits), images=len(squares_mssc))


def _measured(
    squares_mssc: npt.NDArray[np.uint8], levels: bytes, aligned_m: Sequence[Aligned] | None
) -> dict[str, npt.NDArray[np.float64]]:
    usual = usual_from(levels)
    readings = [
        readings_of(one, measure_quality(one), usual, aligned_m[place] if aligned_m else None)
        for place, one in enumerate(squares_mssc)
    ]
    return {name: np.array([each[name] for each in readings]) for name in readings[0]}


def _limit(rule: _Rule, values_m: npt.NDArray[np.float64]) -> GateLimit:
    scaled_m = np.log(values_m) if rule.ratio else values_m
    tail_low, middle, tail_high = np.quantile(scaled_m, [_TAIL, 0.5, 1 - _TAIL])
    low = middle - max(rule.times * (middle - tail_low), rule.least)
    high = middle + max(rule.times * (tail_high - middle), rule.least)
    if rule.ratio:
        low, high = np.exp(low), np.exp(high)
    return GateLimit(
        measure=rule.measure,
        low=float(low) if rule.low else None,
        high=float(high) if rule.high else None,
    )
