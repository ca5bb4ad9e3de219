"""The band that says pass, recheck or fail so that it can be read from two metres away."""

from inspect_app.station.pieces.part_bars import strongest_part
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.wording import clock_time, local_time, part_title, text
from inspect_app.store.records import DecisionRecord, InspectionRecord

_PLACES = {"elsewhere": "<b>outside the named parts</b>", "free": "from <b>free heads</b>"}


def verdict_banner(
    part: InspectionRecord, decision: DecisionRecord | None, position: int, total: int
) -> str:
    """HTML of the verdict with its reason, the part's name and place, and the last decision."""
    sign = SIGNS[part.outcome]
    return (
        f'<section class="verdict verdict-{part.outcome}" aria-label="Verdict {sign.word}">'
        f'<div class="verdict-word"><img src="{sign.on_field()}" alt=""><b>{sign.word}</b></div>'
        f'<div class="verdict-why">{_why(part)}{_decided(decision)}</div>'
        f'<div class="verdict-which"><p class="position">{position:,} of {total:,}</p>'
        f'<p class="file" title="{text(part.source)}">{text(part.file_name)}</p>'
        f'<p class="quiet">{local_time(part.arrived_at)}</p></div></section>'
    )


def _why(part: InspectionRecord) -> str:
    reason = text(part.reason)
    strongest = strongest_part(part)
    if strongest is None or not _is_about_evidence(part):
        return f'<p class="headline" title="{reason}">{reason}</p>'
    kind = f"<b>{text(part.defect_type)}</b>, most" if part.defect_type else "Most"
    place = _PLACES.get(strongest, f"in <b>{text(part_title(strongest))}</b>")
    headline = f"{kind} evidence {place}"
    return f'<p class="headline">{headline}</p><p class="reason" title="{reason}">{reason}</p>'


def _is_about_evidence(part: InspectionRecord) -> bool:
    """Whether z led to the verdict; an outlier or a bad image is about something else."""
    if part.verdict not in ("recheck", "fail") or part.z is None:
        return False
    return part.t_pass is None or part.z >= part.t_pass


def _decided(decision: DecisionRecord | None) -> str:
    if decision is None:
        return '<p class="decided open">Not decided yet</p>'
    sign = SIGNS[decision.decision]
    reason = f"<q>{text(decision.reason)}</q>" if decision.reason else ""
    return (
        '<p class="decided"><span class="quiet">Decided</span> '
        f'<img src="{sign.on_panel()}" alt=""><b style="color:{sign.light}">{sign.word}</b> '
        f"<span>by {text(decision.operator)}, {clock_time(decision.decided_at)}</span> {reason}</p>"
    )
