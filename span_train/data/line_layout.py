"""Make the layout that a line's settings ask for, and check that it fits the network."""

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError
from span_train.contract.framing import framing_of
from span_train.contract.image import RGB, fit_mask, load_image
from span_train.contract.layout import Layout, check_areas, check_heads, most_parts
from span_train.contract.settings import LineSettings
from span_train.data.layout_brightness import Brightness, brightness_of
from span_train.data.layout_exemplars import layout_from_exemplars, masks_on_each
from span_train.data.layout_masks import Exemplar, Masks, read_masks
from span_train.data.layout_network import NetworkSize, network_size
from span_train.data.layout_picture import mean_picture
from span_train.data.registration import KnownParts, carry_to_all

Squares = npt.NDArray[np.uint8]
_FEWEST_FOR_AUTO = 4


def make_layout(settings: LineSettings, squares_nhwc: Squares | None) -> Layout:
    """The layout drawn on exemplars, read from image statistics, or told by brightness.

    Args:
        settings: The line's settings.
        squares_nhwc: (N, S, S, 3) fitted unlabelled images; what is drawn needs none.

    Raises:
        LayoutError: Masks do not fit their exemplars, or the parts do not fit the network.
        ImageError: An exemplar cannot be read.
        InputError: timm does not know the network.
        ValueError: The source needs images, but there are none.
    """
    size, source = network_size(settings.model), settings.layout.source
    if source == "exemplar":
        layout = _drawn(settings, read_exemplars(settings))
    elif squares_nhwc is None:
        raise ValueError(f"{source} needs the fitted images, found None")
    elif source == "statistics":
        layout = _from_statistics(settings.layout.parts, squares_nhwc, size)
    else:
        layout = line_brightness(settings).layout(squares_nhwc, size.patch_px)
    check_heads(layout, size.heads)
    check_areas(layout, settings.input.side_px, size.patch_px, settings.input.fit)
    return layout


def masks_of_images(
    settings: LineSettings,
    layout: Layout,
    squares_nhwc: Squares,
    out_mkss: Squares,
    all_nhwc: Squares | None = None,
) -> str | None:
    """Write masks that each image has of its own, where the line asks for them.

    With `source: intensity` brightness tells them in each image; otherwise, with `refine:
    registration`, the layout's parts are carried over to it.

    Args:
        settings: The line's settings.
        layout: What `make_layout` gave.
        squares_nhwc: (M, S, S, 3) fitted images, before any augmentation.
        out_mkss: (M, K, S, S) uint8, 255 inside; may be memory-mapped.
        all_nhwc: All images of the line, where `squares_nhwc` are only some of them.

    Returns:
        What a user should know, or None.

    Raises:
        LayoutError, ImageError: As `make_layout`.
    """
    if settings.layout.source == "intensity":
        line_brightness(settings).masks_of(squares_nhwc, out_mkss)
        return None
    known = _known_parts(settings, layout, squares_nhwc if all_nhwc is None else all_nhwc)
    carried = carry_to_all(squares_nhwc, known, out_mkss)
    return carried.as_text()


def line_brightness(settings: LineSettings) -> Brightness:
    """Where the line's parts are looked for, and how they are told there.

    Raises:
        LayoutError: Masks do not fit their exemplars, or something is said of an unknown part.
        ImageError: An exemplar cannot be read.
    """
    side_px, how = settings.input.side_px, settings.input.fit
    exemplars_nhwc, drawn = np.empty((0, side_px, side_px, 3), np.uint8), {}
    if settings.layout.exemplar and settings.layout.masks is not None:
        pictures = read_exemplars(settings)
        framing = framing_of(settings.input)
        exemplars_nhwc = np.stack([framing(picture).square for picture in pictures])
        layout = _drawn(settings, pictures)
        drawn = dict(zip(layout.names, layout.fitted(side_px, how), strict=True))
    reach_px = settings.layout.reach_patches * network_size(settings.model).patch_px
    return brightness_of(settings.layout.intensity, drawn, exemplars_nhwc, reach_px)


def read_exemplars(settings: LineSettings) -> tuple[RGB, ...]:
    """The exemplars' pictures, each (H, W, 3) in its own size.

    Raises:
        ImageError: One cannot be read.
    """
    how = settings.input
    return tuple(
        load_image(path, window=how.window, max_pixels=how.max_pixels)
        for path in settings.layout.exemplar
    )


def read_drawn(settings: LineSettings) -> tuple[tuple[Exemplar, ...], tuple[Masks, ...]]:
    """The exemplars, and the parts as they are drawn on each.

    Raises:
        ImageError: An exemplar cannot be read.
        LayoutError: What `read_masks` refuses.
    """
    masks = settings.layout.masks
    assert masks is not None, "settings check that masks are named"
    exemplars = tuple(_exemplars(settings, read_exemplars(settings)))
    return exemplars, read_masks(masks, exemplars, settings.layout.names)


def layout_background(settings: LineSettings, layout: Layout) -> RGB:
    """A picture of the layout's size to draw it on: the first exemplar, or grey where the layout
    came from many images and no single one stands for it.

    Raises:
        ImageError: The exemplar cannot be read.
    """
    if layout.source == "exemplar" and settings.layout.exemplar:
        return read_exemplars(settings)[0]
    return np.full((*layout.masks_khw.shape[1:], 3), 128, np.uint8)


def _drawn(settings: LineSettings, pictures: tuple[RGB, ...]) -> Layout:
    masks = settings.layout.masks
    assert masks is not None, "settings check that masks are named"
    return layout_from_exemplars(masks, _exemplars(settings, pictures), settings.layout.names)


def _exemplars(settings: LineSettings, pictures: tuple[RGB, ...]) -> list[Exemplar]:
    return [
        Exemplar(path, (picture.shape[0], picture.shape[1]))
        for path, picture in zip(settings.layout.exemplar, pictures, strict=True)
    ]


def _known_parts(settings: LineSettings, layout: Layout, squares_nhwc: Squares) -> list[KnownParts]:
    """The pictures whose parts are known: the exemplars, or the mean of all images."""
    side_px, how = settings.input.side_px, settings.input.fit
    if settings.layout.source == "statistics":
        return [KnownParts(mean_picture(squares_nhwc), layout.fitted(side_px, how))]
    pictures, masks = read_exemplars(settings), settings.layout.masks
    framing = framing_of(settings.input)
    assert masks is not None, "settings check that masks are named"
    exemplars = _exemplars(settings, pictures)
    drawn = masks_on_each(masks, exemplars, layout, settings.layout.names)
    return [
        KnownParts(
            framing(picture).square,
            np.stack([fit_mask(mask, side_px, how) for mask in masks_khw]),
        )
        for picture, masks_khw in zip(pictures, drawn, strict=True)
    ]


def _from_statistics(parts: int | None, squares_nhwc: Squares, size: NetworkSize) -> Layout:
    from span_train.data.layout_statistics import layout_from_statistics  # needs scikit-learn

    most = most_parts(size.heads)
    if parts is None and (len(squares_nhwc) < _FEWEST_FOR_AUTO or most < 2):
        raise LayoutError(
            f"layout.parts: auto compares halves of the images to choose from two parts on; found "
            f"{len(squares_nhwc)} images (at least {_FEWEST_FOR_AUTO} are needed) and room for "
            f"{most} parts in a network with {size.heads} heads; set layout.parts."
        )
    return layout_from_statistics(squares_nhwc, parts, most)
