"""The score z as a mark on a bar with its pass, recheck and fail ranges."""

from dataclasses import dataclass

from inspect_app.station.pieces.language import number, tr
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.store.records import InspectionRecord, Outcome

_MARGIN = 1.4  # room beyond the outer thresholds, in units of the scale's own width
_SMALLEST_WIDTH = 1e-3


@dataclass(frozen=True)
class ScoreScale:
    """Where things lie on the bar, in percent from its left end.

    Attributes:
        z: The mark; held to the bar's ends.
        t_pass, t_fail: None where the policy has no such threshold.
        typical: The z of a typical good part.
        beyond: -1 or 1 where z lies off the left or right end, else 0.
    """

    z: float
    t_pass: float | None
    t_fail: float | None
    typical: float | None
    beyond: int


def place_on_scale(
    z: float, t_pass: float | None, t_fail: float | None, typical: float | None
) -> ScoreScale:
    """Choose a range that keeps the thresholds apart, and place everything on it."""
    limits = [limit for limit in (t_pass, t_fail) if limit is not None]
    low, high = (min(limits), max(limits)) if limits else (min(0.0, z), max(0.0, z))
    width = max(high - low, _SMALLEST_WIDTH)
    if typical is not None:
        width = max(width, low - typical)
    start, end = low - _MARGIN * width, high + _MARGIN * width

    def percent(value: float | None) -> float | None:
        return None if value is None else min(max((value - start) / (end - start), 0.0), 1.0) * 100

    at = percent(z)
    assert at is not None, "z is a number here"
    beyond = -1 if z < start else 1 if z > end else 0
    return ScoreScale(at, percent(t_pass), percent(t_fail), percent(typical), beyond)


def score_scale(part: InspectionRecord) -> str:
    """HTML of z with its scale; nothing where z is not known."""
    if part.z is None:
        return ""
    scale = place_on_scale(part.z, part.t_pass, part.t_fail, part.bias)
    shown = ("‹ " if scale.beyond < 0 else "") + number(part.z) + (" ›" if scale.beyond > 0 else "")
    edge = "at-end" if scale.z > 90 else "at-start" if scale.z < 10 else ""
    typical = ""
    if scale.typical is not None:
        place = f"left:{scale.typical:.2f}%"
        typical = f'<i class="typical" style="{place}" title="{tr("a typical good part")}"></i>'
    return (
        f'<div class="scale"><div class="scale-top {"title-right" if scale.z < 50 else ""}">'
        f"<h3>{tr('Score z')}</h3>"
        f'<b class="z {edge}" style="left:{scale.z:.2f}%">{shown}</b></div>'
        f'<div class="scale-bar"><div class="zones">{_zones(scale)}</div>{typical}'
        f'<i class="z-mark" style="left:{scale.z:.2f}%"></i></div>'
        f'<div class="scale-ticks">{_ticks(part, scale)}</div></div>'
    )


def _zones(scale: ScoreScale) -> str:
    start = 0.0 if scale.t_pass is None else scale.t_pass
    end = 100.0 if scale.t_fail is None else scale.t_fail
    zones: tuple[tuple[Outcome, float, float], ...] = (
        ("pass", 0.0, start),
        ("recheck", start, end),
        ("fail", end, 100.0),
    )
    return "".join(_zone(name, left, right, scale.z) for name, left, right in zones if right > left)


def _zone(name: Outcome, left: float, right: float, mark: float) -> str:
    """One range of the bar; its word keeps clear of the mark."""
    width, side = right - left, ""
    word = SIGNS[name].word if width > 11 else ""
    if left <= mark <= right:
        word = word if width > 28 else ""
        side = "word-right" if mark < (left + right) / 2 else "word-left"
    place = f"left:{left:.2f}%;width:{width:.2f}%"
    return f'<span class="zone zone-{name} {side}" style="{place}">{word}</span>'


def _ticks(part: InspectionRecord, scale: ScoreScale) -> str:
    ticks = ""
    if scale.t_pass is not None and scale.t_pass == scale.t_fail:
        return _tick(f"left:{scale.t_pass:.2f}%", number(part.t_fail), "middle")
    if scale.t_pass is not None:
        ticks += _tick(
            f"right:{100 - scale.t_pass:.2f}%", tr("pass below {limit}", limit=number(part.t_pass))
        )
    if scale.t_fail is not None:
        ticks += _tick(
            f"left:{scale.t_fail:.2f}%", tr("fail from {limit}", limit=number(part.t_fail))
        )
    return ticks or _tick("left:0", tr("no threshold is set"))


def _tick(place: str, words: str, look: str = "") -> str:
    return f'<span class="tick {look}" style="{place}">{words}</span>'
