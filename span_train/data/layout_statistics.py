"""Find the parts of a product without a drawing: regions that look and vary alike over images."""

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.layout import Layout
from span_train.data.layout_region_count import RegionCount, count_regions
from span_train.data.layout_regions import find_regions, small_greys


def layout_from_statistics(
    images_nhwc: npt.NDArray[np.uint8], parts: int | None, most: int = 8
) -> Layout:
    """Cluster the places of fitted images into compact regions, named region_1, region_2, …

    Each place is described by its mean, its spread and its edge strength over the images, and
    weakly by where it lies; neighbouring places are merged. Each region is one connected piece,
    none overlap, all together cover the picture, and the same images always give the same regions.
    They are ordered from top left to bottom right.

    Args:
        images_nhwc: (N, S, S, 3) uint8, fitted; at most 1000 of them, evenly spaced, are used.
        parts: How many regions to find; None takes as many as come out again from other images.
        most: The largest number that None may choose.

    Raises:
        ValueError: No image, or fewer than one part; for None, fewer than four images or two parts.
    """
    if images_nhwc.ndim != 4 or not len(images_nhwc) or (parts is not None and parts < 1):
        raise ValueError(
            f"expected (N, S, S, 3) images and parts >= 1, found {images_nhwc.shape}, {parts}"
        )
    greys_nss = small_greys(images_nhwc)
    remarks: tuple[str, ...] = ()
    if parts is None:
        chosen = count_regions(greys_nss, most)
        parts, remarks = chosen.regions, (_how_sure(chosen),)
    side_px = images_nhwc.shape[1]
    regions = find_regions(greys_nss, [parts])[parts].astype(np.uint8)
    large = np.asarray(
        cv2.resize(regions, (side_px, side_px), interpolation=cv2.INTER_NEAREST), np.uint8
    )
    masks = [(large == region).astype(np.float32) for region in _in_order(large, parts)]
    names = tuple(f"region_{place}" for place in range(1, parts + 1))
    return Layout(names, np.stack(masks), "statistics", remarks)


def _how_sure(chosen: RegionCount) -> str:
    found = (
        f"{chosen.regions} regions: two halves of the images agree on each of them by at least "
        f"{chosen.overlap:.0%}"
    )
    if chosen.reproducible:
        return found
    return f"{found}, which is little; look at the picture, set layout.parts, or draw the parts"


def _in_order(regions: npt.NDArray[np.uint8], count: int) -> list[int]:
    """From top left to bottom right."""
    centres = [np.argwhere(regions == region).mean(axis=0) for region in range(count)]
    return sorted(range(count), key=lambda region: (float(centres[region].sum()), region))
