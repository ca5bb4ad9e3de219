"""Tell whether two images show the very same scene: one is registered to the other, then compared.

Products of one kind share their outline, and single ones share their texture: tool marks, grain,
scratches. So after an affine registration (ECC, Evangelidis and Psarakis, PAMI 2008) fine detail is
compared block by block, and three quarters of all blocks with any detail must agree.
"""

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
SIDE_PX = 128
AGREES = 0.95
_BLOCK_PX = 16
_FINE_PX = 2.7
_LEAST_DETAIL = 1.0  # variance of grey levels below which a block shows nothing
_FEWEST_BLOCKS = 12
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


def detail_agreement(first: Grey, second: Grey) -> float:
    """How well the fine detail of two grey pictures agrees where they overlap, at most 1.

    The lower quartile over blocks of the correlation of detail, after registration; 0 where they
    cannot be registered or hold too little detail. `AGREES` and more is the same scene.

    Args:
        first, second: (128, 128) uint8.
    """
    if min(first.std(), second.std()) < 1.0:
        return 0.0
    start = np.eye(2, 3, dtype=np.float32)
    everywhere = np.full(first.shape, 255, np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            first, second, start, cv2.MOTION_AFFINE, _STEPS, everywhere, 5
        )
    except cv2.error:
        return 0.0  # they have too little in common to converge
    how = cv2.INTER_LINEAR + cv2.WARP_INVERSE_MAP
    size = (first.shape[1], first.shape[0])
    brought = cv2.warpAffine(second, warp, size, flags=how)
    covered = cv2.warpAffine(np.ones(first.shape, np.uint8), warp, size, flags=how)
    inside = cv2.erode(
        covered, np.ones((_BLOCK_PX + 1, _BLOCK_PX + 1), np.uint8), borderValue=(0.0,)
    )
    blocks = _block_correlations(
        _detail(first), _detail(np.asarray(brought)), np.asarray(inside, np.uint8)
    )
    return float(np.quantile(blocks, 0.25)) if blocks.size >= _FEWEST_BLOCKS else 0.0


def _detail(grey: npt.NDArray[np.generic]) -> Plane:
    levels = grey.astype(np.float32)
    return levels - np.asarray(cv2.GaussianBlur(levels, (0, 0), _FINE_PX), np.float32)


def _block_correlations(first: Plane, second: Plane, inside: Grey) -> Plane:
    mean_first, mean_second = _block_means(first), _block_means(second)
    shared = _block_means(first * second) - mean_first * mean_second
    spread_first = _block_means(first * first) - mean_first**2
    spread_second = _block_means(second * second) - mean_second**2
    some = np.maximum(spread_first, spread_second) >= _LEAST_DETAIL
    correlation = shared / np.sqrt(np.maximum(spread_first * spread_second, 1e-6))
    at = np.s_[_BLOCK_PX // 2 :: _BLOCK_PX // 2, _BLOCK_PX // 2 :: _BLOCK_PX // 2]
    return np.asarray(correlation[at][(inside[at] > 0) & some[at]], np.float32)


def _block_means(plane: Plane) -> Plane:
    return np.asarray(cv2.boxFilter(plane, -1, (_BLOCK_PX, _BLOCK_PX)), np.float32)
