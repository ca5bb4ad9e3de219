"""Find images that are far darker, brighter or less sharp than the others of their line."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from span_train.check.finding import Finding
from span_train.check.look import Look, Looks

_FAR = 5.0
_FEWEST = 10
_CLIPPED = 0.25


def light_findings(looks: Looks) -> list[Finding]:
    """Outliers by brightness and by sharpness: over five robust spreads from the median."""
    if len(looks.images) < _FEWEST:
        return []
    findings = []
    measures: tuple[tuple[str, str, str, Callable[[Look], float], float], ...] = (
        ("darker", "brighter", "brightness", lambda look: look.brightness, 0.02),
        ("less sharp", "sharper", "sharpness", lambda look: float(np.log(look.sharpness + 1)), 0.1),
    )
    for below, above, what, measure, least in measures:
        far = _far(np.array([measure(look) for look in looks.images]), least)
        for word, chosen in ((below, far < -_FAR), (above, far > _FAR)):
            order = np.argsort(-np.abs(far))
            named = tuple(str(looks.images[place].path) for place in order if chosen[place])
            if named:
                findings.append(_outliers(named, word, what))
    findings += _clipped(looks)
    return findings or [Finding("light", "ok", "Brightness and sharpness have no outliers.")]


def _far(values: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.float64]:
    middle = np.median(values)
    spread = max(1.4826 * float(np.median(np.abs(values - middle))), least)
    return np.asarray((values - middle) / spread, np.float64)


def _outliers(named: tuple[str, ...], word: str, what: str) -> Finding:
    one = len(named) == 1
    return Finding(
        "light",
        "warning",
        f"{len(named)} image{'' if one else 's'} {'is' if one else 'are'} far {word} than the "
        f"others (over {_FAR:.0f} robust spreads of {what}).",
        "Look at them: take out what the line would never show, keep what it does.",
        named,
    )


def _clipped(looks: Looks) -> list[Finding]:
    shares = np.array([look.clipped for look in looks.images])
    if float(np.median(shares)) < _CLIPPED:
        return []
    return [
        Finding(
            "light",
            "warning",
            f"Half of the images have {np.median(shares):.0%} and more of their pixels fully black "
            "or fully white: nothing can be seen there.",
            "Change exposure or light, unless these pixels are background; for 16-bit images "
            "widen input.window.",
        )
    ]
