"""What may be promised about a line, in words: the goal, what was counted, and what is missing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from span_train.policy.bounds import needed_parts, upper_bound
from span_train.policy.policy import Claim

Kind = Literal["escape", "overkill"]
Scores = npt.NDArray[np.float64]
ASSUMPTION = "This holds for parts like the calibration parts."
_UNIT: dict[Kind, str] = {"escape": "defective", "overkill": "good"}
_HAPPENS: dict[Kind, str] = {"escape": "pass", "overkill": "fail"}
_UNTIL_THEN: dict[Kind, str] = {
    "escape": "until then nothing passes without a look",
    "overkill": "until then nothing fails by itself",
}


@dataclass(frozen=True)
class PartScores:
    """One score a physical part: the one of its worst image.

    Attributes:
        good, defective: Finite scores.
        good_left_out, defective_left_out: Parts without a usable score; they prove nothing.
    """

    good: Scores
    defective: Scores
    good_left_out: int = 0
    defective_left_out: int = 0


def shown_claim(
    kind: Kind, parts: PartScores, threshold: float, goal: float, confidence: float
) -> Claim:
    """A goal that the calibration parts show for this threshold."""
    if kind == "escape":
        count, of = int(np.sum(parts.defective < threshold)), parts.defective.size
    else:
        count, of = int(np.sum(parts.good >= threshold)), parts.good.size
    bound = upper_bound(count, of, confidence)
    message = (
        f"At most {_percent(goal)} of {_UNIT[kind]} parts {_HAPPENS[kind]}, at "
        f"{_percent(confidence)} confidence: {count} of {of} calibration parts did (upper bound "
        f"{_percent(bound)}). {ASSUMPTION}{_left_out(kind, parts)}"
    )
    return Claim(
        kind=kind,
        goal=goal,
        bound=bound,
        confidence=confidence,
        count=count,
        of=of,
        shown=True,
        message=message,
    )


def not_shown_claim(kind: Kind, parts: PartScores, goal: float, confidence: float) -> Claim:
    """A goal that they cannot show, with what is missing."""
    of = parts.defective.size if kind == "escape" else parts.good.size
    missing = max(needed_parts(goal, confidence) - of, 0)
    return Claim(
        kind=kind,
        goal=goal,
        bound=None,
        confidence=confidence,
        count=0,
        of=of,
        shown=False,
        missing=missing,
        message=_why_not_shown(kind, parts, goal, confidence, missing) + _left_out(kind, parts),
    )


def _why_not_shown(
    kind: Kind, parts: PartScores, goal: float, confidence: float, missing: int
) -> str:
    of = parts.defective.size if kind == "escape" else parts.good.size
    aim = f"{_percent(goal)} at {_percent(confidence)} confidence"
    if of == 0:
        return (
            f"No {kind} bound can be stated: there is no {_UNIT[kind]} calibration part. At least "
            f"{missing} are needed to show {aim}; until then nothing is promised about it."
        )
    if parts.good.size == 0:
        return (
            f"No {kind} bound is stated: there is no good calibration part, so no threshold is "
            "chosen and nothing passes without a look."
        )
    return (
        f"An {kind} rate of at most {aim} is not shown: {of} {_UNIT[kind]} calibration parts show "
        f"no better than {_percent(upper_bound(0, of, confidence))}, even if none would "
        f"{_HAPPENS[kind]}. At least {missing} more are needed; {_UNTIL_THEN[kind]}."
    )


def _left_out(kind: Kind, parts: PartScores) -> str:
    left_out = parts.defective_left_out if kind == "escape" else parts.good_left_out
    if left_out == 0:
        return ""
    return f" {left_out} {_UNIT[kind]} parts are left out: a score of theirs is not finite."


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
