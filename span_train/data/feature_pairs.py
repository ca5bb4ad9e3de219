"""Find pairs of images that a network sees alike, to be compared in detail afterwards.

Small pictures tell copies that were moved, turned or saved again; a network also tells those under
other light. As all images of a line look alike, it is compared how each differs from their mean.
"""

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from span_train.data.look_alikes import Candidate

Rows = npt.NDArray[np.float64]
_COMPONENTS = 24
_NEAREST = 4
_ALIKE = 0.8


def alike_by_features(features_mj: Rows) -> list[Candidate]:
    """Pairs whose features point in about the same direction from the mean, the most alike first.

    Each image has at most a few nearest ones, so the pairs grow with the images, not their square.

    Args:
        features_mj: (M, J), a row an image.
    """
    if len(features_mj) <= 2:
        return []
    apart = (features_mj - features_mj.mean(axis=0)) / np.maximum(features_mj.std(axis=0), 1e-9)
    directions = apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9)
    _, _, axes = np.linalg.svd(directions[:: -(-len(directions) // 2000)], full_matrices=False)
    near = directions @ axes[:_COMPONENTS].T
    count = min(_NEAREST + 1, len(near))
    _, places = KDTree(near).query(near, k=count, distance_upper_bound=np.sqrt(2 - 2 * _ALIKE))
    best: dict[tuple[int, int], float] = {}
    for one, others in enumerate(places):
        for other in others[others < len(near)].tolist():
            alike = float(directions[one] @ directions[other])
            if other != one and alike >= _ALIKE:
                best[min(one, other), max(one, other)] = alike
    return [
        Candidate(first, second, 0, alike)
        for (first, second), alike in sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
