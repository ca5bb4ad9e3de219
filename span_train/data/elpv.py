"""Real solar cells of the elpv-dataset package; the demo takes the monocrystalline ones."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError

Grey = npt.NDArray[np.uint8]
_ALIKE = 0.97
_THUMBNAIL_PX = 16
_BUSBARS = 3
_BUSBAR_HALF_PX = 4
_FRAME_PX = 9
_SHALLOWEST_BUSBAR = 0.06


@dataclass(frozen=True)
class Cell:
    """One solar cell: its file, and how sure experts were of a defect (0, 0.33, 0.67 or 1)."""

    path: Path
    grade: float


def mono_cells() -> tuple[Cell, ...]:
    """The 1,074 monocrystalline cells that the package elpv-dataset brings, in its order.

    Raises:
        InputError: The package is not installed, or is incomplete.
    """
    return _cells(("mono",))


def all_cells() -> tuple[Cell, ...]:
    """All 2,624 cells of the package, monocrystalline and polycrystalline, in its order.

    Raises:
        InputError: The package is not installed, or is incomplete.
    """
    return _cells(("mono", "poly"))


def _cells(kinds: Sequence[str]) -> tuple[Cell, ...]:
    package = importlib.util.find_spec("elpv_dataset")
    if package is None or not package.submodule_search_locations:
        raise InputError(
            "the demo's solar cells are not installed; run: pip install 'inspect-span[demo]' "
            "(or `inspect demo --quick`, which draws its own parts)."
        )
    folder = Path(next(iter(package.submodule_search_locations))) / "data"
    table = folder / "labels.csv"
    try:
        rows = [line.split() for line in table.read_text(encoding="utf-8").splitlines()]
        cells = [Cell(folder / row[0], float(row[1])) for row in rows if row and row[2] in kinds]
    except (OSError, ValueError, IndexError) as problem:
        raise InputError(f"{table}: cannot be read ({problem}); reinstall elpv-dataset.") from None
    lost = [cell.path for cell in cells if not cell.path.is_file()]
    if lost or not cells:
        where = lost[0] if lost else table
        raise InputError(f"{where}: no cell there; reinstall elpv-dataset.")
    return tuple(cells)


def read_grey(path: Path) -> Grey:
    """A cell as (300, 300) grey."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def near_duplicates(images: Sequence[Grey]) -> list[int]:
    """For each image the number of its group; images that look alike share one.

    Two images are alike where their 16 x 16 thumbnails, less the average thumbnail, correlate by
    more than 0.97; groups join over common members.
    """
    thumbnails = np.stack([_thumbnail(image) for image in images])
    typical = thumbnails - thumbnails.mean(axis=0)
    typical /= np.maximum(np.linalg.norm(typical, axis=1, keepdims=True), 1e-9)
    group = list(range(len(images)))
    for first, second in np.argwhere(np.triu(typical @ typical.T, 1) > _ALIKE):
        old, new = group[second], group[first]
        group = [new if one == old else one for one in group]
    return group


def most_typical(images: Sequence[Grey]) -> int:
    """Which image is closest to the average of those whose three busbars are clearly visible.

    Raises:
        InputError: No image shows three busbars.
    """
    clear = [place for place, image in enumerate(images) if _shows_busbars(image)]
    if not clear:
        raise InputError(f"none of {len(images)} cells shows three busbars.")
    average = np.mean([_evened(images[place]) for place in clear], axis=0)
    return min(clear, key=lambda place: float(((_evened(images[place]) - average) ** 2).sum()))


def cell_parts(cell: Grey) -> dict[str, Grey]:
    """The parts of one cell as masks of 0 and 255, found on its image.

    `edge` is the dark surround and the cell's rim with its cut corners, `busbars` the three bars,
    `upper_area` and `lower_area` the cell above and below the middle busbar.
    """
    inside = _inside(cell)
    rows = _busbar_rows(cell)
    bars = np.zeros_like(cell)
    for row in rows:
        bars[row - _BUSBAR_HALF_PX : row + _BUSBAR_HALF_PX + 1] = 255
    bars[inside == 0] = 0
    area = np.where(bars > 0, 0, inside).astype(np.uint8)
    upper, lower = area.copy(), area.copy()
    upper[rows[1] :] = 0
    lower[: rows[1]] = 0
    return {"busbars": bars, "edge": 255 - inside, "lower_area": lower, "upper_area": upper}


def _thumbnail(image: Grey) -> npt.NDArray[np.float64]:
    small = cv2.resize(image, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float64).ravel()
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9), np.float64)


def _evened(image: Grey) -> npt.NDArray[np.float64]:
    return np.asarray(image / max(float(image.mean()), 1.0), np.float64)


def _shows_busbars(cell: Grey) -> bool:
    dips = _row_dips(cell)
    return all(dips[row] > _SHALLOWEST_BUSBAR for row in _busbar_rows(cell))


def _busbar_rows(cell: Grey) -> list[int]:
    """The rows of the three deepest dips, at least 60 px apart, from top to bottom."""
    dips = _row_dips(cell)
    rows: list[int] = []
    for _ in range(_BUSBARS):
        deepest = int(dips.argmax())
        rows.append(deepest)
        dips[max(0, deepest - 60) : deepest + 61] = -1
    return sorted(rows)


def _row_dips(cell: Grey) -> npt.NDArray[np.float64]:
    """How much darker each row is than its surroundings, as a share; 0 close to the rim."""
    profile = cell[:, 40:-40].mean(axis=1)
    around = cv2.medianBlur(profile.astype(np.float32)[:, None].repeat(3, 1), 5)[:, 1]
    around = cv2.dilate(around[:, None], np.ones((31, 1), np.uint8))[:, 0]
    dips = np.asarray(1 - profile / np.maximum(around, 1.0), np.float64)
    dips[:25] = dips[-25:] = 0
    return dips


def _inside(cell: Grey) -> Grey:
    """The cell without its rim: the bright area's outline, drawn in by the rim's width."""
    soft = cv2.GaussianBlur(cell, (0, 0), 1.5)
    _, bright = cv2.threshold(soft, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    points = cv2.findNonZero(cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    silhouette = np.zeros_like(cell)
    cv2.fillConvexPoly(silhouette, cv2.convexHull(points), 255)
    framed = cv2.copyMakeBorder(silhouette, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth_px = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.where(depth_px > _FRAME_PX, 255, 0).astype(np.uint8)
