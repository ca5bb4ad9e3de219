"""Outlines of parts: where one crosses itself, and the outlines that a mask has.

Coordinates are continuous, as in COCO: the first pixel reaches from 0 to 1.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Point = tuple[float, float]
_Points = npt.NDArray[np.float64]
_FEWEST_POINTS = 3


def crossing(points: Sequence[Point]) -> Point | None:
    """Where an outline first crosses itself, or None; touching itself is no crossing."""
    start = np.asarray(points, np.float64).reshape(-1, 2)
    along = np.roll(start, -1, axis=0) - start
    for place in range(len(start) - 2):
        others = slice(place + 2, len(start) - (place == 0))
        found = _crossed(start[place], along[place], start[others], along[others])
        if found is not None:
            return found
    return None


def traced(mask: Mask) -> list[list[Point]]:
    """The outlines of a mask along the edges of its pixels; holes run the other way round.

    Filled by the even-odd rule they give back exactly the mask. Pixels that only touch at a corner
    are not joined.
    """
    following = _edges(mask)
    # From the left, so that no outline starts where two pixels touch.
    return [
        _corners(_around(following, start)) for start in sorted(following) if start in following
    ]


def area(outline: Sequence[Point]) -> float:
    """The area within an outline in pixels; below 0 where `traced` ran around a hole."""
    x, y = np.asarray(outline, np.float64).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def simplified(outline: Sequence[Point], tolerance_px: float) -> list[Point]:
    """The outline with as few corners as stay within a tolerance; as it is where nothing would
    be left of it, or it would cross itself."""
    rough = cv2.approxPolyDP(np.asarray(outline, np.float32), tolerance_px, True).reshape(-1, 2)
    if len(rough) < _FEWEST_POINTS or crossing([(float(x), float(y)) for x, y in rough]):
        return list(outline)
    return [(float(x), float(y)) for x, y in rough]


def _crossed(start: _Points, along: _Points, starts: _Points, alongs: _Points) -> Point | None:
    """Where one edge properly crosses the first of several others."""
    turn = along[0] * alongs[:, 1] - along[1] * alongs[:, 0]
    apart = starts - start
    with np.errstate(divide="ignore", invalid="ignore"):
        here = (apart[:, 0] * alongs[:, 1] - apart[:, 1] * alongs[:, 0]) / turn
        there = (apart[:, 0] * along[1] - apart[:, 1] * along[0]) / turn
    tiny = 1e-9
    inside = (here > tiny) & (here < 1 - tiny) & (there > tiny) & (there < 1 - tiny)
    if not inside.any():
        return None
    x, y = start + here[int(inside.argmax())] * along
    return float(x), float(y)


_Corner = tuple[int, int]
_Following = dict[_Corner, list[_Corner]]


def _edges(mask: Mask) -> _Following:
    """Every edge between inside and outside, from corner to corner, the inside on its right."""
    padded = np.pad(mask, 1).astype(np.int8)
    following: _Following = {}
    across = np.diff(padded, axis=0)[:, 1:-1]
    for row, column in np.argwhere(across).tolist():
        left, right = (column, row), (column + 1, row)
        first, second = (left, right) if across[row, column] > 0 else (right, left)
        following.setdefault(first, []).append(second)
    down = np.diff(padded, axis=1)[1:-1]
    for row, column in np.argwhere(down).tolist():
        top, bottom = (column, row), (column, row + 1)
        first, second = (bottom, top) if down[row, column] > 0 else (top, bottom)
        following.setdefault(first, []).append(second)
    return following


def _around(following: _Following, start: _Corner) -> list[_Corner]:
    """The corners of one outline; its edges are taken away."""
    outline, (corner, way) = [start], _step(following, start, (1, 0))
    while corner != start:
        outline.append(corner)
        corner, way = _step(following, corner, way)
    return outline


def _step(following: _Following, corner: _Corner, way: _Corner) -> tuple[_Corner, _Corner]:
    """The next corner; where two pixels touch there, round the same pixel."""
    ends = following[corner]
    right_turn = (corner[0] - way[1], corner[1] + way[0])
    chosen = ends.index(right_turn) if right_turn in ends else 0
    end = ends.pop(chosen)
    if not ends:
        del following[corner]
    return end, (end[0] - corner[0], end[1] - corner[1])


def _corners(outline: list[_Corner]) -> list[Point]:
    """Without the corners that lie on a straight edge."""
    points = np.array(outline)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    return [(float(x), float(y)) for x, y in points[turns]]
