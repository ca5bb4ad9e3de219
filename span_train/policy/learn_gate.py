"""Learn from a line's own images what is usual, so that the gate knows what is not.

Limits lie beyond the middle by a multiple of how far the 2 % of most unusual images on either side
lie: a few odd images among those learnt from do not move them. How often good images fail, and bad
ones are caught: docs/results/gate.md. Letters: M images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from span_train.contract.image_quality import measure_quality
from span_train.policy.gate import Gate, GateLimit, Measure, outlines, readings_of, small_grey

FEWEST = 30
_TAIL = 0.02
_TIMES = 2.25


@dataclass(frozen=True)
class _Rule:
    """Which sides of a measure are limited, and the least distance from its middle to its tail."""

    measure: Measure
    least: float
    low: bool = True
    high: bool = True


_RULES = (
    _Rule("brightness", 0.03),
    _Rule("contrast", 0.1),
    _Rule("detail", 0.1, high=False),
    _Rule("clipped", 0.003, low=False),
    _Rule("green_red", 1.0),
    _Rule("blue_yellow", 1.0),
    _Rule("likeness", 0.03, high=False),
    _Rule("shift", 0.02, low=False),
    _Rule("strangeness", 0.1, low=False),
)


def learn_gate(
    squares_mssc: npt.NDArray[np.uint8], strangeness_m: Sequence[float] | None = None
) -> Gate | None:
    """The gate for images like these; None where they are too few to tell what is usual.

    Args:
        squares_mssc: (M, S, S, 3) uint8, fitted images; some may be defective.
        strangeness_m: The network's reading of each; None leaves that limit out.
    """
    if len(squares_mssc) < FEWEST:
        return None
    mean = np.mean([small_grey(square) for square in squares_mssc], axis=0)
    usual = np.asarray(np.round(mean), np.uint8)
    picture = outlines(usual)
    readings = [readings_of(one, measure_quality(one), picture) for one in squares_mssc]
    if strangeness_m is not None:
        readings = [
            {**each, "strangeness": strange}
            for each, strange in zip(readings, strangeness_m, strict=True)
        ]
    limits = [
        _limit(rule, np.array([each[rule.measure] for each in readings]))
        for rule in _RULES
        if rule.measure in readings[0]
    ]
    return Gate(usual=usual.tobytes().hex(), limits=tuple(limits), images=len(squares_mssc))


def _limit(rule: _Rule, values_m: npt.NDArray[np.float64]) -> GateLimit:
    low, middle, high = np.quantile(values_m, [_TAIL, 0.5, 1 - _TAIL])
    down, up = (_TIMES * max(float(one), rule.least) for one in (middle - low, high - middle))
    return GateLimit(
        measure=rule.measure,
        low=float(middle) - down if rule.low else None,
        high=float(middle) + up if rule.high else None,
    )
