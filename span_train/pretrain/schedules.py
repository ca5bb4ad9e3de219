"""Pure schedules: each value is a function of the step and the total alone."""

import math


def warm_cosine(step: int, total: int, warmup: float, lowest: float = 0.01) -> float:
    """Factor of the learning rate: linear rise over `warmup` of the steps, then a cosine fall."""
    rise = max(1, round(warmup * total))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    return lowest + (1 - lowest) * 0.5 * (1 + math.cos(math.pi * done))


def linear_rise(step: int, total: int, share: float) -> float:
    """Factor of the prior's weight: from near 0 to 1 over the first `share` of the steps."""
    return min(1.0, (step + 1) / max(1, round(share * total)))


def teacher_momentum(step: int, total: int, base: float) -> float:
    """EMA momentum: grows from a running mean's to `base`, then by a cosine to nearly 1."""
    rising = 1 - (1 - base) * 0.5 * (1 + math.cos(math.pi * step / max(1, total)))
    return min(rising, (1 + step) / (10 + step))
