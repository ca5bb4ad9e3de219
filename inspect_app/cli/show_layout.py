"""Make a line's layout, save it, and draw it for a person to check."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from PIL import Image

from span_train.contract.errors import ImageError, InputError, LayoutError
from span_train.contract.framing import framing_of
from span_train.contract.image import load_image
from span_train.contract.layout import Layout, save_layout
from span_train.contract.settings import InputSettings, LineSettings
from span_train.data.cache import Squares, image_cache
from span_train.data.catalog import find_images
from span_train.data.layout_network import network_size
from span_train.data.layout_picture import Panel, draw_layout, mean_picture
from span_train.data.layout_sizes import size_remarks
from span_train.data.line_layout import (
    make_layout,
    masks_of_images,
    read_drawn,
    read_exemplars,
)
from span_train.data.splits import gather_images

_MOST_IMAGES = 1000
_MOST_TRIED = 12
_SAMPLES = 3
_PICTURE = "layout_picture.png"
Made = tuple[Layout, list[Panel], tuple[str, ...]]
_One = TypeVar("_One")


@dataclass(frozen=True)
class ShownLayout:
    """A layout that was made, and the folder it lies in.

    Attributes:
        out: The folder.
        layout: The layout.
        patches: Area of each part in patches of the fitted image.
        remarks: What a user should know.
    """

    out: Path
    layout: Layout
    patches: tuple[float, ...]
    remarks: tuple[str, ...]

    def as_text(self) -> str:
        """One line a part, and where to look."""
        areas = zip(self._shares().items(), self.patches, strict=True)
        lines = [f"{name}: {share:.1%}, {area:.1f} patches" for (name, share), area in areas]
        return "\n".join([*lines, f"look at {self.out / _PICTURE}"])

    def as_json(self) -> str:
        """The same as one JSON line."""
        described = {"out": str(self.out), "source": self.layout.source, "parts": self._shares()}
        patches = dict(zip(self.layout.names, self.patches, strict=True))
        return json.dumps(described | {"patches": patches, "remarks": list(self.remarks)})

    def _shares(self) -> dict[str, float]:
        shares = self.layout.masks_khw.mean(axis=(1, 2))
        return {name: float(share) for name, share in zip(self.layout.names, shares, strict=True)}


def show_layout(settings: LineSettings, out: Path) -> ShownLayout:
    """Make the layout and write it and its picture into a folder.

    Raises:
        InputError: Masks, images or settings do not fit, or the folder cannot be written to.
    """
    drawn = settings.layout.source == "exemplar"
    layout, panels, remarks = _drawn(settings) if drawn else _from_images(settings)
    how = settings.input
    patches = layout.patches(how.side_px, network_size(settings.model).patch_px, how.fit)
    picture = draw_layout(panels[0], panels[1:], layout.names, patches)
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_layout(layout, out)
        Image.fromarray(picture).save(out / _PICTURE)
    except OSError as problem:
        raise InputError(f"{out}: cannot be written to ({problem.strerror}).") from None
    return ShownLayout(out, layout, patches, layout.remarks + remarks)


def export_layout(settings: LineSettings, kind: Literal["labelme", "coco"], out: Path) -> Path:
    """Write the drawn parts for another drawing program into a folder that exists.

    Returns:
        The file or folder that `layout.masks` reads back.

    Raises:
        LayoutError: The parts are not drawn on exemplars.
        InputError: The folder cannot be written to.
    """
    from span_train.data.layout_export import export_parts  # needs pycocotools

    if settings.layout.source != "exemplar":
        raise LayoutError(
            f"layout.source: {settings.layout.source}: only parts drawn on exemplars can be "
            "exported; draw them with --edit, which can start from what statistics propose."
        )
    exemplars, drawn = read_drawn(settings)
    try:
        return export_parts(kind, exemplars, drawn, out)
    except OSError as problem:
        raise InputError(f"{out}: cannot be written to ({problem.strerror}).") from None


def _drawn(settings: LineSettings) -> Made:
    """The exemplars' layout, on the first exemplar; below it on others, and on some images."""
    layout, how = make_layout(settings, None), settings.input
    paths, pictures = settings.layout.exemplar, read_exemplars(settings)
    found = find_images(settings.images)
    remarks = size_remarks(found, (pictures[0].shape[1], pictures[0].shape[0]), how.fit)
    panels = [Panel(f"exemplar {paths[0].name}", pictures[0], layout.masks_khw)]
    masks_kss = layout.fitted(how.side_px, how.fit)
    for path, picture in list(zip(paths, pictures, strict=True))[1 : _SAMPLES + 1]:
        square = framing_of(how)(picture).square
        panels.append(Panel(f"exemplar {path.name}", square, masks_kss))
    names, squares_nhwc = _readable([path for path in found if path not in paths], how)
    return layout, panels + _samples(settings, layout, names, squares_nhwc), remarks


def _readable(paths: Sequence[Path], how: InputSettings) -> tuple[list[str], Squares]:
    """Names and fitted pictures of some images that can be read."""
    names, squares = [], []
    for path in _evenly(paths, _MOST_TRIED):
        try:
            picture = load_image(path, window=how.window, max_pixels=how.max_pixels)
        except ImageError:
            continue
        names.append(path.name)
        squares.append(framing_of(how)(picture).square)
    shape = (-1, how.side_px, how.side_px, 3)
    return _evenly(names, _SAMPLES), np.array(_evenly(squares, _SAMPLES), np.uint8).reshape(shape)


def _from_images(settings: LineSettings) -> Made:
    """The layout of many images, on their mean; below it on some of them."""
    images = gather_images(settings)
    paths = _evenly(images.unlabelled, _MOST_IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        squares_nhwc = image_cache(paths, settings.input, Path(folder))
        layout = make_layout(settings, squares_nhwc)
        panels = [
            Panel(f"mean of {len(paths)} images", mean_picture(squares_nhwc), layout.masks_khw)
        ]
        chosen = _evenly(range(len(paths)), _SAMPLES)
        names = [paths[place].name for place in chosen]
        panels += _samples(settings, layout, names, squares_nhwc[chosen], squares_nhwc)
    remarks = images.remarks + size_remarks(paths, None, settings.input.fit)
    return layout, panels, remarks


def _samples(
    settings: LineSettings,
    layout: Layout,
    names: Sequence[str],
    squares_nhwc: Squares,
    all_nhwc: Squares | None = None,
) -> list[Panel]:
    """Images with the parts as pretraining sees them: each its own, or those of the layout."""
    side_px = settings.input.side_px
    masks_mkss = np.tile(layout.fitted(side_px, settings.input.fit), (len(names), 1, 1, 1))
    own = settings.layout.source == "intensity" or settings.layout.refine != "none"
    if own and names:
        own_mkss = np.empty(masks_mkss.shape, np.uint8)
        masks_of_images(settings, layout, squares_nhwc, own_mkss, all_nhwc)
        masks_mkss = np.asarray(own_mkss / 255, np.float32)
    return [
        Panel(name, square, masks_kss)
        for name, square, masks_kss in zip(names, squares_nhwc, masks_mkss, strict=True)
    ]


def _evenly(things: Sequence[_One], most: int) -> list[_One]:
    """At most so many of them, evenly spaced."""
    if len(things) <= most:
        return list(things)
    return [things[place * len(things) // most] for place in range(most)]
