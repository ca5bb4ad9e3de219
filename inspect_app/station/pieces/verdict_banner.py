"""The band that says pass, recheck or fail so that it can be read from two metres away."""

from inspect_app.station.pieces.language import clock_time, count, local_time, tr
from inspect_app.station.pieces.reasons import reason_in_words
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.wording import part_title, text
from inspect_app.store.records import DecisionRecord, InspectionRecord
from inspect_app.store.strongest import strongest


def verdict_banner(
    part: InspectionRecord, decision: DecisionRecord | None, position: int, total: int
) -> str:
    """HTML of the verdict with its reason, the part's name and place, and the last decision."""
    sign = SIGNS[part.outcome]
    label = tr("Verdict {word}", word=sign.word)
    place = tr("{n} of {total}", n=count(position), total=count(total))
    return (
        f'<section class="verdict verdict-{part.outcome}" aria-label="{label}">'
        f'<div class="verdict-word"><img src="{sign.on_field()}" alt=""><b>{sign.word}</b></div>'
        f'<div class="verdict-why">{_why(part)}{_decided(decision)}</div>'
        f'<div class="verdict-which"><p class="position">{place}</p>'
        f'<p class="file" title="{text(part.source)}">{text(part.file_name)}</p>'
        f'<p class="quiet">{local_time(part.arrived_at)}</p></div></section>'
    )


def _why(part: InspectionRecord) -> str:
    reason = text(reason_in_words(part.reason))
    most = strongest(part.contributions)
    if most is None or not _is_about_evidence(part):
        return f'<p class="headline" title="{reason}">{reason}</p>'
    headline = _most_evidence(most)
    if part.defect_type:
        headline = f"<b>{text(part.defect_type)}</b>: {headline}"
    return f'<p class="headline">{headline}</p><p class="reason" title="{reason}">{reason}</p>'


def _most_evidence(name: str) -> str:
    if name == "elsewhere":
        return tr("most evidence lies {outside}", outside=f"<b>{tr('outside the named parts')}</b>")
    title = f"<b>{text(part_title(name))}</b>"
    if name == "free":
        return tr("most evidence comes from {heads}", heads=title)
    return tr("most evidence lies in: {part}", part=title)


def _is_about_evidence(part: InspectionRecord) -> bool:
    """Whether z led to the verdict; an outlier or a bad image is about something else."""
    if part.verdict not in ("recheck", "fail") or part.z is None:
        return False
    return part.t_pass is None or part.z >= part.t_pass


def _decided(decision: DecisionRecord | None) -> str:
    if decision is None:
        return f'<p class="decided open">{tr("Not decided yet")}</p>'
    sign = SIGNS[decision.decision]
    reason = f"<q>{text(decision.reason)}</q>" if decision.reason else ""
    return (
        f'<p class="decided"><span class="quiet">{tr("Decided")}</span> '
        f'<img src="{sign.on_panel()}" alt=""><b style="color:{sign.light}">{sign.word}</b> '
        f"<span>{_by_whom(decision)}</span> {reason}</p>"
    )


def _by_whom(decision: DecisionRecord) -> str:
    when = clock_time(decision.decided_at)
    return tr("by {name}, {when}", name=text(decision.operator), when=when)
