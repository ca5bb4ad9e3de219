"""Look at what an engineer has and write the line's commented YAML from it."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_app.cli.deep_window import deep_window
from inspect_app.cli.folder_layouts import Sorted, recognise
from inspect_app.layout_drawing.line_yaml import quoted
from span_train.check.typical import typical_image
from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import load_image
from span_train.contract.layout import Layout
from span_train.contract.settings import InputSettings, ModelSettings, read_settings
from span_train.data.catalog import find_images, why_unreadable
from span_train.data.labels import read_labels
from span_train.data.layout_exemplars import layout_from_exemplars
from span_train.data.layout_masks import Exemplar

_MOST_CHECKED = 50
_PATCHES_ALONG_A_SIDE = (14, 21, 28, 42, 56)
_SMALL_PATCH_PX = 4
_ENLARGED = 1.25  # more than this shows nothing that the camera did not see
_PATCHES_OF_A_PART = 4.0

_TEXT = """\
# One line: its images, its layout, and what it promises. Paths start at this file's folder.
# Every key that is left out has a default; a run saves the settings it used, with all of them.
name: {name}

# Unlabelled production images: all of them, a few defective ones among them do no harm.
images:
{images}

# Labelled images: a CSV (image_path,label[,group][,split]) or a folder with one folder a class.
{labels}
good_class: {good_class}
# What in a file's name tells the physical part, so that its pictures stay in one split:
# splits: {{group_pattern: '^([A-Z0-9]+)_'}}

layout:
{layout}
  # symmetry: [flip_horizontal]   # only if the part looks the same mirrored or turned

input:
  side_px: {side_px: <22} # the square the network sees; {why_side}
  fit: stretch                    # or letterbox, crop
{window}

model:
  patch_px: {patch_px: <21} # side of a patch; {why_patch}

pretrain:
  objective: masked               # or dino
  prior_weight: 0.3               # how strongly heads are held to their parts; 0 is without

# What the line promises. Fix it before looking at any result.
goals:
  escape: 0.10                    # at most this share of the defective parts passes
  overkill: 0.10                  # at most this share of the good parts fails
  confidence: 0.95
"""


@dataclass(frozen=True)
class Drawing:
    """Images on which parts are drawn, where their masks lie, and what label-map indices mean."""

    exemplars: tuple[Path, ...]
    masks: Path
    names: Path | None = None


@dataclass(frozen=True)
class NewLine:
    """What was found, and the YAML text that describes it."""

    text: str
    images: int
    parts: tuple[str, ...]
    classes: dict[str, int]
    remarks: tuple[str, ...]

    def as_text(self, line: Path) -> str:
        """The findings in a sentence, and the next step."""
        parts = f", parts {', '.join(self.parts)}" if self.parts else ""
        return f"{line}: {self.images} images{parts}; next: inspect check {line}"

    def as_json(self, line: Path) -> str:
        """The findings as one JSON line."""
        found = {"line": str(line), "images": self.images, "parts": list(self.parts)}
        return json.dumps(found | {"classes": self.classes, "remarks": list(self.remarks)})


def describe_line(
    line: Path,
    images: Sequence[Path],
    drawing: Drawing | None,
    labels: Path | None,
    good_class: str,
) -> NewLine:
    """Check images, drawn parts and labels, and word the line's YAML.

    Raises:
        InputError: A folder holds no usable image, or masks or labels do not fit.
    """
    kind = Sorted(tuple(images), labels) if labels else recognise(images, good_class)
    images, labels = kind.images, kind.labels
    found = find_images(images)
    window = deep_window(found)
    how = InputSettings(window=window)
    remarks = tuple(filter(None, (kind.remark,))) + _check_some(found, how)
    made = _drawn(drawing, how) if drawing else None
    grid = _grid(made)
    labelled = read_labels(labels, good_class) if labels else ()
    classes = Counter(image.label for image in labelled)
    start = line.resolve().parent
    text = _TEXT.format(
        name=_name(line),
        images="\n".join(f"  - {quoted(_from(start, folder))}" for folder in images),
        labels=f"labels: {quoted(_from(start, labels))}" if labels else "# labels: labels.csv",
        good_class=quoted(good_class),
        layout=_layout_lines(start, drawing) + _typical_line(start, found, drawing, how),
        side_px=grid.side_px,
        why_side=grid.why_side,
        patch_px=grid.patch_px,
        why_patch=grid.why_patch,
        window=_window_line(window),
    )
    parts, more = (made.names, made.remarks) if made else ((), ())
    return NewLine(text, len(found), parts, dict(classes), remarks + more + grid.remarks)


def write_line(line: Path, text: str) -> None:
    """Write the YAML, which must not exist yet, and read it back as a check.

    Raises:
        InputError: The file exists, or cannot be written.
    """
    if line.exists():
        raise InputError(f"{line}: exists already, and is never overwritten; name another.")
    try:
        line.parent.mkdir(parents=True, exist_ok=True)
        with line.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise InputError(f"{line}: cannot be written ({problem.strerror}).") from None
    read_settings(line)


def _window_line(window: tuple[int, int] | None) -> str:
    if window is None:
        return (
            "  # window: [0, 65535]            # 16-bit cameras: values shown as black and as white"
        )
    return (
        f"  window: [{window[0]}, {window[1]}]".ljust(34)
        + "# 16 bits: black and white; as some images are, widen it if others may be darker or "
        "brighter"
    )


def _check_some(found: Sequence[Path], how: InputSettings) -> tuple[str, ...]:
    """Look into up to 50 images, evenly spaced, so that a wrong camera setting shows at once."""
    some = found[:: -(-len(found) // _MOST_CHECKED)]
    reasons = [reason for path in some if (reason := why_unreadable(path, how))]
    if not reasons:
        return ()
    return (f"{len(reasons)} of {len(some)} images looked at cannot be used: {reasons[0]}",)


def _drawn(drawing: Drawing, how: InputSettings) -> Layout:
    exemplars = []
    for path in drawing.exemplars:
        try:
            height_px, width_px, _ = load_image(path, window=how.window).shape
        except ImageError as problem:
            raise ImageError(f"--exemplar: {problem}") from None
        exemplars.append(Exemplar(path, (height_px, width_px)))
    return layout_from_exemplars(drawing.masks, exemplars, drawing.names)


@dataclass(frozen=True)
class _Grid:
    """The square and the patches that are proposed, and why."""

    side_px: int
    patch_px: int
    why_side: str
    why_patch: str
    remarks: tuple[str, ...] = ()


def _grid(layout: Layout | None) -> _Grid:
    """The coarsest grid on which the smallest part has four patches.

    Where the square would be larger than the image, patches are made smaller instead.
    """
    patch_px = ModelSettings().patch_px
    if layout is None:
        side_px = _PATCHES_ALONG_A_SIDE[0] * patch_px
        return _Grid(side_px, patch_px, "more finds smaller defects", "half of it for tiny parts")
    longest_px = max(layout.masks_khw.shape[1:])
    for along in _PATCHES_ALONG_A_SIDE:
        enlarged = along * patch_px > _ENLARGED * longest_px
        patch = _SMALL_PATCH_PX if enlarged else patch_px
        areas = layout.patches(along * patch, patch, InputSettings().fit)
        smallest, name = min(areas), layout.names[areas.index(min(areas))]
        if smallest >= _PATCHES_OF_A_PART:
            break
    why_patch = (
        f"the image has no more than {longest_px} px to show" if enlarged else "the usual one"
    )
    why_side = f"{name} has {smallest:.1f} patches there"
    return _Grid(along * patch, patch, why_side, why_patch, _too_small(name, smallest))


def _too_small(name: str, patches: float) -> tuple[str, ...]:
    if patches >= _PATCHES_OF_A_PART:
        return ()
    return (
        f"part {name} has {patches:.1f} patches even on the finest grid proposed, and a head needs "
        f"about {_PATCHES_OF_A_PART:.0f} to follow it: draw it with what surrounds it, or cut the "
        "images to the product",
    )


def _typical_line(
    start: Path, found: Sequence[Path], drawing: Drawing | None, how: InputSettings
) -> str:
    """A comment that proposes the most typical image to draw on."""
    if drawing is not None:
        return ""
    typical = typical_image(found, how)
    if typical is None:
        return ""
    return f"\n  # exemplar: {quoted(_from(start, typical))}   # a typical image, to draw parts on"


def _layout_lines(start: Path, drawing: Drawing | None) -> str:
    if drawing is None:
        return (
            "  source: statistics              # or exemplar, with exemplar: IMAGE, masks: FOLDER\n"
            "  parts: 4                        # or auto: as many as other images give again"
        )
    exemplars = [quoted(_from(start, path)) for path in drawing.exemplars]
    lines = [
        "  source: exemplar                # or intensity (told by brightness), or statistics",
        "  exemplar: " + (exemplars[0] if len(exemplars) == 1 else f"[{', '.join(exemplars)}]"),
        f"  masks: {quoted(_from(start, drawing.masks))}",
    ]
    if drawing.names is not None:
        lines.append(f"  names: {quoted(_from(start, drawing.names))}")
    return "\n".join(lines)


def _from(start: Path, path: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start)).as_posix()


def _name(line: Path) -> str:
    return quoted(re.sub(r"[^A-Za-z0-9._-]+", "-", line.stem).strip("-._") or "line")
