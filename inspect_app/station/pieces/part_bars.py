"""A bar for each part: how much it speaks for a defect, or for a good part."""

from collections.abc import Mapping

from inspect_app.station.pieces.language import number, signed, tr
from inspect_app.station.pieces.wording import part_title, text
from inspect_app.store.records import InspectionRecord
from inspect_app.store.strongest import strongest

_ZERO_PERCENT = 28.0  # defects matter most: evidence for them gets the wider side
_WORTH_NOTING_PERCENT = 8.0


def part_bars(part: InspectionRecord) -> str:
    """HTML of the bars, in the layout's order, and of the sum that makes z; nothing without z."""
    if part.z is None or part.bias is None or not part.contributions:
        return ""
    per_unit = percent_per_unit(part.contributions, _reach(part))
    most = strongest(part.contributions)
    rows = "".join(
        _row(name, amount, per_unit, name == most) for name, amount in part.contributions.items()
    )
    total = sum(part.contributions.values())
    return (
        f'<div class="bars" style="--zero:{_ZERO_PERCENT}%">{rows}</div>'
        f'<p class="sum"><span>{tr("typical good part")} '
        f"<b>{number(part.bias)}</b></span><span>{tr('all parts')} <b>{signed(total)}</b></span>"
        f"<span>z <b>{number(part.z)}</b></span></p>"
    )


def percent_per_unit(contributions: Mapping[str, float], reach: float) -> float:
    """How many percent of the track one unit of z takes, so that every bar fits.

    Args:
        reach: Units of z that fill the defect side; a part's bars only shrink when it needs more.
    """
    most, least = max(contributions.values()), min(contributions.values())
    wanted = [reach / (100 - _ZERO_PERCENT), most / (100 - _ZERO_PERCENT), -least / _ZERO_PERCENT]
    return 1 / max(*wanted, 1e-9)


def _reach(part: InspectionRecord) -> float:
    """The way from a typical good part to `fail`: the same for all parts of a bundle."""
    limit = part.t_fail if part.t_fail is not None else part.t_pass
    if limit is None or part.bias is None:
        return 0.0
    return abs(limit - part.bias)


def _row(name: str, amount: float, per_unit: float, is_strongest: bool) -> str:
    length = abs(amount) * per_unit
    side = "defect" if amount >= 0 else "good"
    left = _ZERO_PERCENT if amount >= 0 else _ZERO_PERCENT - length
    stands_out = is_strongest and length > _WORTH_NOTING_PERCENT
    return (
        f'<div class="bar{" strongest" if stands_out else ""}">'
        f'<span class="bar-name" title="{text(part_title(name))}">{text(part_title(name))}</span>'
        f'<span class="track"><i class="{side}" style="left:{left:.2f}%;width:{length:.2f}%"></i>'
        f'</span><span class="bar-value">{signed(amount)}</span></div>'
    )
