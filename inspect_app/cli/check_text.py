"""Say what a check found on the terminal, or as JSON."""

import json
from pathlib import Path

from span_train.check.finding import Finding, Level
from span_train.check.line_check import LineCheck

_SIGNS: dict[Level, str] = {"ok": "ok     ", "warning": "LOOK   ", "problem": "MEND   "}
_MOST_NAMED = 5


def as_text(check: LineCheck, page: Path | None) -> str:
    """A line a finding, with what to do and some names below it."""
    lines = [line for finding in check.findings for line in _lines(finding)]
    counts = [sum(one.level == level for one in check.findings) for level in ("problem", "warning")]
    lines.append(f"{check.name}: {counts[0]} to mend, {counts[1]} to look at")
    if page is not None:
        lines.append(f"look at {page}")
    return "\n".join(lines)


def as_json_text(check: LineCheck) -> str:
    """Everything as one JSON line."""
    return json.dumps(check.as_dict())


def _lines(finding: Finding) -> list[str]:
    lines = [f"{_SIGNS[finding.level]} {finding.about}: {finding.found}"]
    if finding.advice:
        lines.append(f"        -> {finding.advice}")
    lines += [f"           {name}" for name in finding.images[:_MOST_NAMED]]
    if len(finding.images) > _MOST_NAMED:
        lines.append(f"           and {len(finding.images) - _MOST_NAMED} more (--json, --html)")
    return lines
