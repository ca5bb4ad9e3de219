"""Check a line before any training: its files, poses, light, duplicates, labels and layout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.check.finding import Finding
from span_train.check.label_errors import Suspect, likely_errors, suspect_findings
from span_train.check.labelled import Labelled, class_counts, class_findings, label_findings
from span_train.check.light import light_findings
from span_train.check.look import Looks, look_at_all
from span_train.check.pose import Pose, measure_pose, pose_finding
from span_train.check.products import Products, find_products, product_findings, size_findings
from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings
from span_train.data.catalog import content_hash, find_images
from span_train.data.feature_pairs import alike_by_features
from span_train.data.labels import check_good_class, read_rows
from span_train.data.line_layout import make_layout
from span_train.data.scenes import Duplicates, find_scenes
from span_train.data.splits import divide_labelled
from span_train.data.thumbnails import Progress

FeaturesOf = Callable[[Sequence[Path]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class LineCheck:
    """All that was found.

    Attributes:
        name: The line's.
        findings: In the order of the checks.
        looks: What was seen of each image.
        duplicates, pose, products, labelled, suspects: What the findings rest on.
    """

    name: str
    findings: tuple[Finding, ...]
    looks: Looks
    duplicates: Duplicates
    pose: Pose | None
    products: Products
    labelled: Labelled
    suspects: tuple[Suspect, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values; paths as text."""
        found = self.duplicates
        return {
            "line": self.name,
            "images": len(self.looks.images),
            "unreadable": [{"path": str(at), "reason": why} for at, why in self.looks.unreadable],
            "findings": [finding.as_dict() for finding in self.findings],
            "pose": self.pose.as_dict() if self.pose else None,
            "typical": str(self.looks.images[self.pose.typical].path) if self.pose else None,
            "classes": class_counts(self.labelled),
            "equal": [[str(path) for path in group] for group in found.equal],
            "near": [
                {
                    "first": str(pair.first),
                    "second": str(pair.second),
                    "way": pair.way,
                    "agreement": round(pair.agreement, 4),
                }
                for pair in found.near
            ],
            "scenes": [[str(path) for path in group] for group in found.groups],
            "compared": found.compared,
            "candidates_left": found.left,
            "suspects": [
                {
                    "path": str(one.path),
                    "label": one.label,
                    "rather": one.rather,
                    "probability": round(one.probability, 4),
                }
                for one in self.suspects
            ],
        }


def check_line(
    settings: LineSettings,
    progress: Progress,
    threads: int = 0,
    *,
    seen: FeaturesOf | None = None,
    judged: FeaturesOf | None = None,
) -> LineCheck:
    """Look at every image of a line once, and at its labels and layout.

    Args:
        settings: The line's.
        progress: Told (what is done, images done, images in all).
        threads: How many read at a time; 0 is one a processor.
        seen: What a network sees in some images: more look-alikes are found with it.
        judged: What a trained network sees in some images: likely label errors are found with it.

    Raises:
        InputError: A folder holds no image, none can be read, or the labels cannot be read.
    """
    found = find_images(settings.images)
    rows = read_rows(settings.labels) if settings.labels else ()
    looks = look_at_all([*found, *(row.path for row in rows)], settings.input, progress, threads)
    if not looks.images:
        raise InputError(
            f"{settings.images[0]}: none of {len(looks.unreadable)} images can be read: "
            f"{looks.unreadable[0][1]}"
        )
    hashes = {look.path: look.sha256 for look in looks.images}
    labelled = _labelled(settings, hashes)
    paths = [look.path for look in looks.images]
    alike = alike_by_features(seen(paths)) if seen else ()
    duplicates = find_scenes(paths, hashes, settings.input, progress, looks.thumbnails, alike)
    suspects = _suspects(labelled, judged) if judged else ()
    pose = measure_pose(looks.thumbnails) if len(looks.images) > 1 else None
    products = find_products(looks)
    findings = (
        *_file_findings(looks),
        *size_findings(looks),
        *_duplicate_findings(duplicates),
        *label_findings(labelled, duplicates),
        *(suspect_findings(suspects) if judged else ()),
        *_pose_findings(pose, looks),
        *product_findings(products),
        *light_findings(looks),
        *class_findings(labelled, settings.goals),
        *_layout_findings(settings, set(hashes.values())),
    )
    return LineCheck(
        settings.name, findings, looks, duplicates, pose, products, labelled, suspects or ()
    )


def _suspects(labelled: Labelled, judged: FeaturesOf) -> tuple[Suspect, ...] | None:
    if not labelled.images:
        return None
    return likely_errors(labelled.images, judged([image.path for image in labelled.images]))


def _labelled(settings: LineSettings, hashes: dict[Path, str]) -> Labelled:
    if settings.labels is None:
        return Labelled(good_class=settings.good_class)
    rows = [row for row in read_rows(settings.labels) if row.path in hashes]
    labels = {row.path: row.label for row in rows}
    try:
        check_good_class(settings.labels, rows, settings.good_class)
        divided = divide_labelled(rows, hashes, settings)
    except InspectionError as problem:
        return Labelled((), settings.good_class, str(problem), labels)
    return Labelled(tuple(divided), settings.good_class, "", labels)


def _file_findings(looks: Looks) -> list[Finding]:
    total = len(looks.images) + len(looks.unreadable)
    if not looks.unreadable:
        return [Finding("files", "ok", f"All {total} images can be read.")]
    return [
        Finding(
            "files",
            "problem",
            f"{len(looks.unreadable)} of {total} files cannot be read; they would be left out.",
            "Mend or remove them; each reason names what was found.",
            tuple(reason for _, reason in looks.unreadable),
        )
    ]


def _duplicate_findings(found: Duplicates) -> list[Finding]:
    findings = []
    if found.equal:
        findings.append(
            Finding(
                "duplicates",
                "warning",
                f"{sum(map(len, found.equal))} files are equal to another one, in "
                f"{len(found.equal)} groups.",
                "Keep one of each; they stay in one split, but count several times.",
                tuple(str(path) for group in found.equal for path in group),
            )
        )
    if found.near:
        near = {path for pair in found.near for path in (pair.first, pair.second)}
        copies = sum(len(group) for group in found.groups)
        findings.append(
            Finding(
                "duplicates",
                "warning",
                f"{copies} images agree with another one in their fine detail, in "
                f"{len(found.groups)} {'groups' if len(found.groups) > 1 else 'group'}: one part "
                "each, moved, turned, mirrored or saved again; or smooth parts that these images "
                "cannot tell apart.",
                "Look at some pairs; give the files of one part one `group` in the labels, so that "
                "they stay in one split. Augmented copies add nothing to learn from.",
                tuple(sorted(map(str, near))),
            )
        )
    if found.left:
        findings.append(
            Finding(
                "duplicates",
                "warning",
                f"{found.left} more pairs look alike and were not compared in detail.",
                "Mend what was found and check again.",
            )
        )
    return findings or [Finding("duplicates", "ok", "No image is shown twice.")]


def _pose_findings(pose: Pose | None, looks: Looks) -> list[Finding]:
    if pose is None:
        return [Finding("pose", "warning", "One image cannot show a pose.", "Give more images.")]
    findings = [pose_finding(pose)]
    if pose.odd:
        lowest = float(np.min(pose.correlation_m))
        findings.append(
            Finding(
                "pose",
                "warning",
                f"{len(pose.odd)} images are far less like the others (the least: {lowest:.2f}).",
                "Look at them: another product, another view, or no part at all.",
                tuple(str(looks.images[place].path) for place in pose.odd),
            )
        )
    return findings


def _layout_findings(settings: LineSettings, contents: set[str]) -> list[Finding]:
    """Whether drawn parts can be used, and were drawn on one of these images."""
    drawn = settings.layout.exemplar
    if settings.layout.source == "statistics" or not drawn:
        return []
    try:
        layout = make_layout(settings, None) if settings.layout.source == "exemplar" else None
        strange = [path for path in drawn if content_hash(path) not in contents]
    except InspectionError as problem:
        return [Finding("layout", "problem", str(problem))]
    said = [f"The layout has {len(layout.names)} parts."] if layout else []
    remarks = [f"{remark}." for remark in layout.remarks] if layout else []
    return [_exemplar_finding(" ".join([*said, *remarks]), strange)]


def _exemplar_finding(said: str, strange: Sequence[Path]) -> Finding:
    if not strange:
        return Finding("layout", "ok", f"{said} Its exemplar is one of the images.".strip())
    return Finding(
        "layout",
        "warning",
        f"{said} {', '.join(path.name for path in strange)}: not among the images.".strip(),
        "Make sure that they show the same product from the same camera; better draw on one of "
        "the images.",
        tuple(map(str, strange)),
    )
