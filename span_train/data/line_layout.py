"""Make the layout that a line's settings ask for, and check that it fits the network."""

import numpy as np
import numpy.typing as npt

from span_train.contract.image import RGB, load_image
from span_train.contract.layout import Layout, check_areas, check_heads, layout_from_masks
from span_train.contract.settings import LineSettings


def make_layout(settings: LineSettings, squares_nhwc: npt.NDArray[np.uint8] | None) -> Layout:
    """The layout drawn on the exemplar, or read from image statistics.

    Args:
        settings: The line's settings.
        squares_nhwc: (N, S, S, 3) fitted unlabelled images; only statistics need them.

    Raises:
        LayoutError: Masks do not fit the exemplar, or the parts do not fit the network.
        ImageError: The exemplar cannot be read.
        ValueError: Statistics are asked for, but there are no images.
    """
    if settings.layout.source == "statistics":
        if squares_nhwc is None:
            raise ValueError("statistics need the fitted images, found None")
        from span_train.data.layout_statistics import layout_from_statistics  # needs scikit-learn

        layout = layout_from_statistics(squares_nhwc, settings.layout.parts)
    else:
        layout = _drawn_layout(settings)
    if settings.model.name == "small":
        check_heads(layout, settings.model.heads)
        check_areas(layout, settings.input.side_px, settings.model.patch_px, settings.input.fit)
    return layout


def _drawn_layout(settings: LineSettings) -> Layout:
    exemplar, masks = settings.layout.exemplar, settings.layout.masks
    assert exemplar is not None, "settings check that an exemplar is named"
    assert masks is not None, "settings check that masks are named"
    picture = load_image(
        exemplar, window=settings.input.window, max_pixels=settings.input.max_pixels
    )
    return layout_from_masks(masks, (picture.shape[0], picture.shape[1]), exemplar.stem)


def layout_background(settings: LineSettings, layout: Layout) -> RGB:
    """A picture of the layout's size to draw it on: the exemplar, or grey where it came from
    statistics and no single image stands for it.

    Raises:
        ImageError: The exemplar cannot be read.
    """
    if layout.source == "exemplar" and settings.layout.exemplar is not None:
        return load_image(
            settings.layout.exemplar,
            window=settings.input.window,
            max_pixels=settings.input.max_pixels,
        )
    return np.full((*layout.masks_khw.shape[1:], 3), 128, np.uint8)
