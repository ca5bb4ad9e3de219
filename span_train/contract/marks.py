"""Find marks in an image (print, holes, corners), and the motion that two sets of them agree on.

ORB key points (Rublee et al., ICCV 2011) and RANSAC, both OpenCV's. Torch-free.
Matrices are (3, 3) over pixel indices (x, y, 1).
"""

import math
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
Places = npt.NDArray[np.float32]
Marks = tuple[Places, npt.NDArray[np.uint8]]
Matrix = npt.NDArray[np.float64]
Motion = Literal["translation", "rigid", "similarity", "affine"]
MARKS_PX = 320  # longer side of the pictures they are looked for in
LEAST_MARKS = 20
_MARKS, _MARK_NEAR_PX = 500, 2.0
_MOST_SCALED = 1.5


def find_marks(image: RGB, size: tuple[int, int]) -> Marks:
    """Places (n, 2) and descriptions (n, 32) of the marks of an image, (H, W, 3), at some size."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    points, described = cv2.ORB.create(nfeatures=_MARKS).detectAndCompute(grey, None)
    if described is None:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), np.asarray(described, np.uint8)


def agreed_motion(here: Places, there: Places, motion: Motion) -> Matrix:
    """The motion from one set of places to the other that most pairs agree on.

    None at all, the identity, where too few do, or where it scales too much to be true.

    Args:
        here, there: (n, 2) pixel indices, pair by pair.
    """
    estimate = cv2.estimateAffine2D if motion == "affine" else cv2.estimateAffinePartial2D
    found, agree = estimate(here, there, method=cv2.RANSAC, ransacReprojThreshold=_MARK_NEAR_PX)
    if found is None or int(np.asarray(agree).sum()) < LEAST_MARKS // 2:
        return np.eye(3)
    kept = np.asarray(agree).ravel().astype(bool)
    if motion == "translation":
        right, down = np.median(there[kept] - here[kept], axis=0)
        return np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]])
    exact = np.vstack([np.asarray(found, np.float64), [0.0, 0.0, 1.0]])
    if motion == "rigid":
        exact = _rigid(exact, here[kept].mean(axis=0))
    scale = math.sqrt(abs(float(np.linalg.det(exact[:2, :2]))))
    return exact if 1 / _MOST_SCALED < scale < _MOST_SCALED else np.eye(3)


def _rigid(similarity: Matrix, centre: Places) -> Matrix:
    """The same turn without its scale, about the middle of what was matched."""
    scale = math.sqrt(abs(float(np.linalg.det(similarity[:2, :2]))))
    moved = similarity @ np.array([centre[0], centre[1], 1.0])
    exact = similarity.copy()
    exact[:2, :2] /= scale
    exact[:2, 2] = moved[:2] - exact[:2, :2] @ centre
    return exact
