"""Hold a line's labels against its images: conflicts, leaks over splits, enough of each class."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from span_train.check.finding import Finding
from span_train.contract.settings import GoalSettings
from span_train.data.labels import SPLIT_NAMES, LabelledImage
from span_train.data.scenes import Duplicates
from span_train.policy.bounds import needed_parts, upper_bound

Role = str
LEARN, CALIBRATION, TEST = "learning", "calibration", "test"


@dataclass(frozen=True)
class Labelled:
    """The labelled images that can be read, in their splits.

    Attributes:
        images: As divided; empty without labels.
        good_class: The class of good parts.
        wrong: Why they cannot be divided, or nothing.
    """

    images: tuple[LabelledImage, ...] = ()
    good_class: str = "good"
    wrong: str = ""
    labels: Mapping[Path, str] = field(default_factory=dict)

    def roles(self) -> dict[Path, Role]:
        """What each labelled image is for; all others are for learning."""
        return {
            image.path: image.split if image.split in (CALIBRATION, TEST) else LEARN
            for image in self.images
        }


def label_findings(labelled: Labelled, duplicates: Duplicates) -> list[Finding]:
    """One scene with two labels, or on two sides of a split."""
    findings = [Finding("labels", "problem", labelled.wrong)] if labelled.wrong else []
    conflicts = _torn(duplicates.equal, labelled.labels)
    if conflicts:
        findings.append(
            Finding(
                "labels",
                "problem",
                f"{len(conflicts)} equal files have two labels; training refuses them.",
                "Keep one label for each, and remove the other row or file.",
                _flat(conflicts),
            )
        )
    equal = {path for group in conflicts for path in group}
    near = [one for one in _torn(duplicates.groups, labelled.labels) if not equal & set(one)]
    if near:
        findings.append(
            Finding(
                "labels",
                "warning",
                f"{_groups(len(near), 'has', 'have')} different labels.",
                "Look whether both labels can be true; mend the wrong one.",
                _flat(near),
            )
        )
    roles = labelled.roles()
    leaks = _torn(duplicates.groups, roles, otherwise=LEARN) if roles else []
    if leaks:
        findings.append(
            Finding(
                "duplicates",
                "problem",
                f"{_groups(len(leaks), 'lies', 'lie')} on two sides of a split (learning, "
                "calibration, test): rates measured on them flatter.",
                "Give all files of one part the same `group` in the labels, or set "
                "splits.group_pattern.",
                _flat(leaks),
            )
        )
    return findings


def class_findings(labelled: Labelled, goals: GoalSettings) -> list[Finding]:
    """Whether the calibration parts can show the goals, and what each class holds."""
    if not labelled.images:
        return [
            Finding(
                "classes",
                "warning",
                "There are no labels: the verdict will rest on how unusual a part is, every part "
                "goes to recheck, and no goal can be shown.",
                f"To show escape ≤ 1 % alone at 95 %, label {needed_parts(0.01, 0.95)} defective "
                "parts for calibration.",
            )
        ]
    counts = class_counts(labelled)
    listed = "; ".join(
        f"{split}: {', '.join(f'{count} {name}' for name, count in of.items()) or 'none'}"
        for split, of in counts.items()
    )
    findings = [Finding("classes", "ok", f"Labelled parts by split: {listed}.")]
    calibration = counts[CALIBRATION]
    good = calibration.get(labelled.good_class, 0)
    defective = sum(calibration.values()) - good
    both = bool(good and defective)
    confidence = 1 - (1 - goals.confidence) / 2 if both else goals.confidence
    for kind, goal, of, unit in (
        ("escape", goals.escape, defective, "defective"),
        ("overkill", goals.overkill, good, "good"),
    ):
        findings.append(_enough(kind, goal, of, unit, confidence))
    return findings


def class_counts(labelled: Labelled) -> dict[str, dict[str, int]]:
    """Physical parts of each class in each split; images of one group count once."""
    parts: dict[str, set[tuple[str, str]]] = {split: set() for split in SPLIT_NAMES}
    for image in labelled.images:
        parts[image.split or "train"].add((image.label, image.group or str(image.path)))
    return {
        split: dict(sorted(Counter(label for label, _ in found).items()))
        for split, found in parts.items()
    }


def _enough(kind: str, goal: float, of: int, unit: str, confidence: float) -> Finding:
    needed, one_percent = needed_parts(goal, confidence), needed_parts(0.01, confidence)
    best = f"no better than {upper_bound(0, of, confidence):.1%}" if of else "nothing"
    said = (
        f"{of} {unit} calibration parts can show {best} of {kind} at {confidence:.1%} confidence; "
        f"the goal of {goal:.1%} needs {needed} without a miss, 1 % needs {one_percent}"
    )
    if of >= needed:
        return Finding("classes", "ok", f"{said}.")
    return Finding(
        "classes",
        "warning",
        f"{said}: {needed - of} more.",
        f"Label {needed - of} more {unit} parts, or raise goals.{kind} before looking at results.",
    )


def _torn(
    groups: Sequence[Sequence[Path]], of: Mapping[Path, str], otherwise: str | None = None
) -> list[tuple[Path, ...]]:
    """Groups whose files differ in something."""
    torn = []
    for group in groups:
        known: dict[str, list[Path]] = defaultdict(list)
        for path in group:
            value = of.get(path, otherwise)
            if value is not None:
                known[value].append(path)
        if len(known) > 1:
            torn.append(tuple(path for paths in known.values() for path in paths))
    return torn


def _groups(count: int, one: str, many: str) -> str:
    """1 group of look-alikes has, 2 groups of look-alikes have."""
    return f"{count} group{'' if count == 1 else 's'} of look-alikes {one if count == 1 else many}"


def _flat(groups: Sequence[Sequence[Path]]) -> tuple[str, ...]:
    return tuple(str(path) for group in groups for path in group)
