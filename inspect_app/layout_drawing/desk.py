"""What lies on the desk while a layout is drawn: the line, its exemplar, and the drawing so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspect_app.layout_drawing.checks import Room
from inspect_app.layout_drawing.drawing import Drawing, Part, read_drawing
from inspect_app.layout_drawing.rasterise import Mask, Size, part_mask, pixels_of
from span_train.check.typical import typical_image
from span_train.contract.errors import ImageError, InputError, LayoutError
from span_train.contract.image import RGB, load_image
from span_train.contract.settings import InputSettings, LineSettings, read_settings
from span_train.data.catalog import content_hash, find_images
from span_train.data.layout_network import network_size
from span_train.data.line_layout import read_drawn

DRAWING_FILE = "drawing.json"


@dataclass(frozen=True)
class Desk:
    """An exemplar to draw on.

    Attributes:
        line: The line's YAML.
        settings: As read from it.
        exemplar: The image that is drawn on.
        picture: Its pixels (H, W, 3).
        others: The line's other exemplars and their masks, which stay as they are.
        room: What the parts have to fit.
        start: The parts as they are now; empty where nothing is drawn yet.
        notes: What a person should know before drawing.
    """

    line: Path
    settings: LineSettings
    exemplar: Path
    picture: RGB
    others: tuple[tuple[Path, dict[str, Mask]], ...]
    room: Room
    start: Drawing
    notes: tuple[str, ...]

    @property
    def shape(self) -> Size:
        """(height, width) of the exemplar."""
        return self.picture.shape[0], self.picture.shape[1]


def open_desk(line: Path, overrides: Sequence[str] = (), exemplar: Path | None = None) -> Desk:
    """Lay out a line for drawing.

    Args:
        line: Its YAML.
        overrides: As for `read_settings`.
        exemplar: The image to draw on; by default the line's, else the most typical of its images.

    Raises:
        InputError: The settings are wrong, there is no image, or the exemplar cannot be read.
    """
    settings = read_settings(line, tuple(overrides))
    found = find_images(settings.images)
    chosen, notes = _chosen(settings, found, exemplar)
    settings = _aligned_to(chosen, settings)
    picture = _read(chosen, settings.input)
    if not _is_among(chosen, found):
        notes.append(
            f"{chosen.name} is not among the line's images: make sure that it shows the same "
            "product from the same camera."
        )
    shape = picture.shape[0], picture.shape[1]
    start = Drawing()
    others: tuple[tuple[Path, dict[str, Mask]], ...] = ()
    if chosen in settings.layout.exemplar and settings.layout.masks is not None:
        try:
            start, others = _drawn(settings, chosen, shape)
        except (LayoutError, ImageError) as problem:
            notes.append(f"The parts drawn so far cannot be read, and stay as they are: {problem}")
    size, how = network_size(settings.model), settings.input
    room = Room(how.side_px, size.patch_px, size.heads, how.fit)
    return Desk(line, settings, chosen, picture, others, room, start, tuple(notes))


def _aligned_to(chosen: Path, settings: LineSettings) -> LineSettings:
    """Where the line aligns: to the image that is drawn on, as once the drawing is saved."""
    if settings.input.align == "off" or settings.input.reference is not None:
        return settings
    how = settings.input.model_copy(update={"reference": chosen})
    return settings.model_copy(update={"input": how})


def _chosen(
    settings: LineSettings, found: Sequence[Path], exemplar: Path | None
) -> tuple[Path, list[str]]:
    named = settings.layout.exemplar
    if exemplar is not None:
        chosen = exemplar.resolve()
        if named and chosen not in named:
            names = ", ".join(path.name for path in named)
            return chosen, [
                f"The line's exemplar is {names}; once this drawing is saved it is {chosen.name}."
            ]
        return chosen, []
    if named:
        return named[0], []
    typical = typical_image(found, settings.input)
    if typical is None:
        raise InputError(
            f"{settings.images[0]}: no image to draw on was found; name one with --exemplar."
        )
    return typical, [
        f"The line names no exemplar: {typical.name} is its most typical image. Draw on another "
        "one with --exemplar."
    ]


def _read(path: Path, how: InputSettings) -> RGB:
    return load_image(path, window=how.window, max_pixels=how.max_pixels)


def _is_among(exemplar: Path, found: Sequence[Path]) -> bool:
    """Whether an image is one of the line's, or a copy of one."""
    if exemplar in found:
        return True
    size = exemplar.stat().st_size
    alike = [path for path in found if path.stat().st_size == size]
    return bool(alike) and content_hash(exemplar) in map(content_hash, alike)


def _drawn(
    settings: LineSettings, chosen: Path, shape: Size
) -> tuple[Drawing, tuple[tuple[Path, dict[str, Mask]], ...]]:
    """The parts on the exemplar as they are now, and those on the others."""
    masks = settings.layout.masks
    assert masks is not None, "the caller has looked"
    exemplars, on_each = read_drawn(settings)
    drawn = {exemplar.path: parts for exemplar, parts in zip(exemplars, on_each, strict=True)}
    own = drawn.pop(chosen)
    kept = _as_drawn(masks.parent / DRAWING_FILE, own, shape)
    return kept or _as_pixels(own), tuple(drawn.items())


def _as_drawn(file: Path, masks: dict[str, Mask], shape: Size) -> Drawing | None:
    """The shapes that an earlier drawing was saved with, if the masks are still those."""
    try:
        drawing = read_drawing(file.read_bytes(), str(file))
        made = {part.name: part_mask(part, shape) for part in drawing.parts}
    except (OSError, LayoutError):
        return None
    same = made.keys() == masks.keys() and all(
        np.array_equal(made[name], masks[name]) for name in masks
    )
    return drawing if same else None


def _as_pixels(masks: dict[str, Mask]) -> Drawing:
    return Drawing(
        parts=tuple(
            Part(name=name, shapes=(shape,) if (shape := pixels_of(mask)) else ())
            for name, mask in sorted(masks.items())
        )
    )
