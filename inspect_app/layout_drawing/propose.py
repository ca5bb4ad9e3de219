"""Propose parts to start a drawing from: regions that image statistics find."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.layout_drawing.copies import outlined
from inspect_app.layout_drawing.desk import Desk
from inspect_app.layout_drawing.drawing import Part
from inspect_app.layout_drawing.rasterise import Size, pixels_of
from span_train.contract.errors import ImageError, LayoutError
from span_train.contract.framing import framing_of
from span_train.contract.image import fit_geometry, load_image
from span_train.contract.settings import InputSettings
from span_train.data.catalog import find_images

_MOST_IMAGES = 200
_FEWEST = 2


def propose(desk: Desk, parts: int) -> tuple[Part, ...]:
    """Parts that look and vary alike over up to 200 of the line's images, as outlines.

    Raises:
        LayoutError: Too few images can be read.
    """
    from span_train.data.layout_statistics import layout_from_statistics  # needs scikit-learn

    how = desk.settings.input
    found = find_images(desk.settings.images)
    squares = fitted_images(found[:: -(-len(found) // _MOST_IMAGES)], how)
    if len(squares) < _FEWEST:
        raise LayoutError("Statistics need at least two images that can be read.")
    layout = layout_from_statistics(np.array([square for _, square in squares]), parts)
    regions = _on_exemplar(layout.masks_khw, desk.shape, how)
    made = []
    for name, mask in zip(layout.names, regions, strict=True):
        shape = pixels_of(mask)
        if shape is not None:
            made.append(outlined(Part(name=name, shapes=(shape,)), desk.shape))
    return tuple(made)


def fitted_images(
    paths: Sequence[Path], how: InputSettings
) -> list[tuple[Path, npt.NDArray[np.uint8]]]:
    """Those images that can be read, as (S, S, 3) squares."""
    squares = []
    for path in paths:
        try:
            picture = load_image(path, window=how.window, max_pixels=how.max_pixels)
        except ImageError:
            continue
        squares.append((path, framing_of(how)(picture).square))
    return squares


def _on_exemplar(
    masks_kss: npt.NDArray[np.float32], shape: Size, how: InputSettings
) -> list[npt.NDArray[np.bool_]]:
    """Masks of the square, smooth, laid over the exemplar; each pixel belongs to one at most."""
    geometry = fit_geometry(*shape, how.side_px, how.fit)
    soft = [
        geometry.to_original(np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5), np.float32))
        for mask in masks_kss
    ]
    best, some = np.argmax(soft, axis=0), np.max(soft, axis=0) > 0
    return [(best == place) & some for place in range(len(soft))]
