"""Count what became of each class of defect, and how well each part alone tells defects apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.evaluate.intervals import rank_intervals
from span_train.evaluate.metrics import Groups, scored_parts

_ORDER = ("pass", "recheck", "fail")


def verdicts_by_class(
    classes: Sequence[str], verdicts: Sequence[str], groups: Groups, good_class: str
) -> dict[str, dict[str, int]]:
    """How many physical parts of each class got which verdict; the good class comes first.

    A part's verdict is its worst image's. Its class is that of its defective images, or all of
    theirs joined by ` + ` where they differ.

    Args:
        classes, verdicts, groups: One entry a test image, as for `line_metrics`.
    """
    defective = [name != good_class for name in classes]
    parts = scored_parts(np.zeros(len(classes)), defective, verdicts, None, groups)
    named: dict[int, set[str]] = {}
    for part, name in zip(parts.part_of_image.tolist(), classes, strict=True):
        named.setdefault(part, set()).add(name)
    table: dict[str, dict[str, int]] = {}
    for part, names in named.items():
        name = " + ".join(sorted(names - {good_class})) or good_class
        row = table.setdefault(name, dict.fromkeys(_ORDER, 0) | {"parts": 0})
        row[_ORDER[parts.verdict_p[part]]] += 1
        row["parts"] += 1
    return {
        name: table[name] for name in sorted(table, key=lambda name: (name != good_class, name))
    }


def scores_of_parts(
    contributions_mr: npt.NDArray[np.float64],
    names: Sequence[str],
    defective: npt.NDArray[np.bool_],
    groups: Groups,
    confidence: float = 0.95,
) -> Mapping[str, Any]:
    """AUROC of what each part of the layout alone adds to z, over physical parts.

    Args:
        contributions_mr: (M, R), what each group of features adds in each image.
        names: R names: the parts of the layout, `elsewhere` and `free`.
        defective, groups: One entry an image.
    """
    found = {}
    for place, name in enumerate(names):
        unjudged = ["recheck"] * len(contributions_mr)
        parts = scored_parts(contributions_mr[:, place], defective, unjudged, None, groups)
        finite_p = np.isfinite(parts.z_p)
        ranking = rank_intervals(
            parts.z_p[finite_p & ~parts.defective_p],
            parts.z_p[finite_p & parts.defective_p],
            confidence=confidence,
            resamples=500,
        )
        ends = ranking.auroc_interval
        found[name] = {
            "auroc": {
                "value": ranking.auroc,
                "interval": [0.0, 1.0] if ends is None else list(ends),
                "confidence": confidence,
            }
        }
    return found
