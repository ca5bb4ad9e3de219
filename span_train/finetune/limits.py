"""Say what a line's own data cannot tell, however good its numbers look."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from span_train.evaluate.report_words import percent
from span_train.policy.bounds import needed_parts, upper_bound
from span_train.policy.policy import Claim

_STRICT = 0.01
_FEW = 20
_UNIT = {"escape": "defective", "overkill": "good"}


def data_limits(
    claims: Sequence[Claim],
    by_class: Mapping[str, Mapping[str, int]],
    good_class: str,
    trained_classes: Collection[str],
) -> tuple[str, ...]:
    """Sentences for the report.

    Args:
        claims: The policy's.
        by_class: Test parts of each class, as `metrics.json` has them.
        good_class: The class of good parts.
        trained_classes: Classes among the training labels.
    """
    return (
        *(_of_claim(claim) for claim in claims),
        *_of_classes(by_class, good_class, trained_classes),
        *_of_mixture(by_class, good_class),
    )


def _of_claim(claim: Claim) -> str:
    unit, sure = _UNIT[claim.kind], percent(claim.confidence)
    strict = needed_parts(_STRICT, claim.confidence)
    if not claim.of:
        return (
            f"There is no {unit} calibration part, so nothing can be said about {claim.kind}; 1 % "
            f"at {sure} confidence takes {strict} without a miss."
        )
    best = percent(upper_bound(0, claim.of, claim.confidence))
    return (
        f"{claim.of} {unit} calibration parts can show {best} of {claim.kind} at best ({sure} "
        f"confidence, without a miss); 1 % takes {strict}."
    )


def _of_classes(
    by_class: Mapping[str, Mapping[str, int]], good_class: str, trained_classes: Collection[str]
) -> list[str]:
    said = []
    defects = {name: row["parts"] for name, row in by_class.items() if name != good_class}
    few = [f"{name} ({count})" for name, count in defects.items() if count < _FEW]
    if few and len(defects) > 1:
        said.append(
            f"Few test parts of {', '.join(few)}: their rows say little, and a kind of defect that "
            "is missing here is not measured at all."
        )
    never = sorted(set(defects) - set(trained_classes))
    if never and trained_classes:
        said.append(f"Never trained: {', '.join(never)}; these are found as unusual alone.")
    return said


def _of_mixture(by_class: Mapping[str, Mapping[str, Any]], good_class: str) -> list[str]:
    total = sum(row["parts"] for row in by_class.values())
    defects = total - by_class.get(good_class, {"parts": 0})["parts"]
    if not (total and defects):
        return []
    return [
        f"{percent(defects / total)} of the test parts are defective; a line has fewer, so shares "
        "over all parts, such as the recheck rate and average precision, differ there."
    ]
