"""Find the parts of a product without a drawing: regions that look and vary alike over images."""

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.image import grid_to_graph

from span_train.contract.layout import Layout

Map = npt.NDArray[np.float64]
_PLACE_WEIGHT = 0.5
_CLUSTERED_SIDE_PX = 56
_MOST_IMAGES = 1000


def layout_from_statistics(images_nhwc: npt.NDArray[np.uint8], parts: int) -> Layout:
    """Cluster the places of fitted images into compact regions, named region_1, region_2, …

    Each place is described by its mean, its spread and its edge strength over the images, and
    weakly by where it lies. Neighbouring places are merged, the most alike first (Ward), until
    `parts` regions are left: each is one connected piece, none overlap, and the same images always
    give the same regions. They are ordered from top left to bottom right.

    Args:
        images_nhwc: (N, S, S, 3) uint8, fitted; at most 1000 of them, evenly spaced, are used.
        parts: How many regions to find.

    Raises:
        ValueError: No image, or fewer than one part.
    """
    if images_nhwc.ndim != 4 or not len(images_nhwc) or parts < 1:
        raise ValueError(
            f"expected (N, S, S, 3) images and parts >= 1, found {images_nhwc.shape}, {parts}"
        )
    side_px = images_nhwc.shape[1]
    regions = _cluster(_describe(images_nhwc, min(side_px, _CLUSTERED_SIDE_PX)), parts)
    large = np.asarray(
        cv2.resize(regions, (side_px, side_px), interpolation=cv2.INTER_NEAREST), np.uint8
    )
    order = _from_top_left(large, parts)
    masks_khw = np.stack([(large == region).astype(np.float32) for region in order])
    names = tuple(f"region_{place}" for place in range(1, parts + 1))
    return Layout(names, masks_khw, "statistics")


def mean_image(images_nhwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The average of fitted images, (S, S, 3) uint8, to show a layout on."""
    chosen = _evenly(images_nhwc)
    total = np.zeros(chosen.shape[1:], np.float64)
    for image in chosen:
        total += image
    return np.asarray(np.clip(total / len(chosen) + 0.5, 0, 255), np.uint8)


def _describe(images_nhwc: npt.NDArray[np.uint8], side_px: int) -> Map:
    """(side, side, 5): mean, spread, edge strength, row, column."""
    total, squares = np.zeros((2, side_px, side_px))
    chosen = _evenly(images_nhwc)
    for image in chosen:
        grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
        total += small
        squares += small.astype(np.float64) ** 2
    mean = total / len(chosen)
    spread = np.sqrt(np.maximum(squares / len(chosen) - mean**2, 0))
    edges = np.hypot(*np.gradient(mean))
    maps = [_standardised(_smoothed(one)) for one in (mean, spread, edges)]
    rows, columns = np.mgrid[:side_px, :side_px]
    maps += [_PLACE_WEIGHT * _standardised(one.astype(np.float64)) for one in (rows, columns)]
    return np.stack(maps, axis=2)


def _evenly(images_nhwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return images_nhwc[:: -(-len(images_nhwc) // _MOST_IMAGES)]


def _smoothed(values: Map) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), 1.0), np.float64)


def _standardised(values: Map) -> Map:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-6), np.float64)


def _cluster(described: Map, parts: int) -> npt.NDArray[np.uint8]:
    rows, columns, features = described.shape
    ward = AgglomerativeClustering(n_clusters=parts, connectivity=grid_to_graph(rows, columns))
    labels = ward.fit_predict(described.reshape(-1, features))
    return np.asarray(labels.reshape(rows, columns), np.uint8)


def _from_top_left(regions: npt.NDArray[np.uint8], parts: int) -> list[int]:
    centres = [np.argwhere(regions == part).mean(axis=0) for part in range(parts)]
    return sorted(range(parts), key=lambda part: (float(centres[part].sum()), part))
