"""How the square that the network sees lies over an original image, there and back.

Places are continuous: the first pixel of a side covers 0 to 1. G is the side of a map.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

Affine = tuple[float, float, float, float, float, float]
Matrix = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Geometry:
    """How a fitted square came from an image, to map maps and boxes back to original pixels.

    Attributes:
        height_px, width_px: Size of the original image after EXIF orientation.
        side_px: Side of the square.
        scale_x, scale_y: Square pixels per original pixel; of the aligned image where it was
            aligned.
        offset_x_px, offset_y_px: Where the left and top edges lie in the square.
        aligned: Where the image was aligned: takes a place (x, y) of the original to its place in
            the reference's frame, ``(a x + b y + c, d x + e y + f)``.
    """

    height_px: int
    width_px: int
    side_px: int
    scale_x: float
    scale_y: float
    offset_x_px: float
    offset_y_px: float
    aligned: Affine | None = None

    def matrix(self) -> Matrix:
        """(3, 3): takes a place (x, y, 1) of the original to the square."""
        fitted = np.array(
            [[self.scale_x, 0, self.offset_x_px], [0, self.scale_y, self.offset_y_px], [0, 0, 1.0]]
        )
        return fitted if self.aligned is None else fitted @ square_matrix(self.aligned)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The place in the original that a place of the square shows."""
        found = np.linalg.solve(self.matrix(), np.array([x, y, 1.0]))
        return float(found[0]), float(found[1])

    def window(
        self, corner: tuple[int, int], shown: tuple[int, int], size: tuple[int, int]
    ) -> "Geometry":
        """The geometry of a window of the original that is then resized.

        Args:
            corner: Its left and top, in pixels of the original.
            shown: Its width and height there.
            size: Width and height that it is resized to.
        """
        (left, top), (right, down) = corner, (shown[0] / size[0], shown[1] / size[1])
        if self.aligned is not None:
            moved = square_matrix(self.aligned) @ [[right, 0, left], [0, down, top], [0, 0, 1]]
            return replace(
                self, width_px=size[0], height_px=size[1], aligned=affine_of(np.asarray(moved))
            )
        return replace(
            self,
            width_px=size[0],
            height_px=size[1],
            scale_x=self.scale_x * right,
            scale_y=self.scale_y * down,
            offset_x_px=self.offset_x_px + left * self.scale_x,
            offset_y_px=self.offset_y_px + top * self.scale_y,
        )

    def to_original(self, map_gg: Map) -> Map:
        """Lay a (G, G) map of the square over the original: (height_px, width_px) float32.

        Pixels of the original that the square does not show are 0.
        """
        if self.aligned is not None:
            return self._turned_back(map_gg)
        rows_lg = self._shares(self.height_px, self.scale_y, self.offset_y_px, map_gg.shape[0])
        columns_lg = self._shares(self.width_px, self.scale_x, self.offset_x_px, map_gg.shape[1])
        return np.asarray(rows_lg @ map_gg.astype(np.float32) @ columns_lg.T, np.float32)

    def _turned_back(self, map_gg: Map) -> Map:
        rows, columns = np.mgrid[: self.height_px, : self.width_px].astype(np.float32) + 0.5
        to_square = self.matrix().astype(np.float32)
        x = to_square[0, 0] * columns + to_square[0, 1] * rows + to_square[0, 2]
        y = to_square[1, 0] * columns + to_square[1, 1] * rows + to_square[1, 2]
        seen = (x >= 0) & (x < self.side_px) & (y >= 0) & (y < self.side_px)
        down, right = (cells / self.side_px for cells in map_gg.shape)
        places = (x * right - 0.5, y * down - 0.5)
        laid = cv2.remap(
            map_gg.astype(np.float32), *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(np.asarray(laid) * seen, np.float32)

    def _shares(
        self, length_px: int, scale: float, offset_px: float, cells: int
    ) -> npt.NDArray[np.float32]:
        """(L, G): how much each of G cells counts at each of L pixels of one side, linearly."""
        place_px = (np.arange(length_px) + 0.5) * scale + offset_px
        place = np.clip(place_px * (cells / self.side_px) - 0.5, 0, cells - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, cells - 1)
        seen = (place_px >= 0) & (place_px < self.side_px)
        shares = np.zeros((length_px, cells), np.float32)
        pixels = np.arange(length_px)
        np.add.at(shares, (pixels, below), (below + 1 - place) * seen)
        np.add.at(shares, (pixels, above), (place - below) * seen)
        return shares


def square_matrix(affine: Affine) -> Matrix:
    """(3, 3) of the six numbers of an affine."""
    return np.array([affine[:3], affine[3:], (0.0, 0.0, 1.0)])


def affine_of(matrix: Matrix) -> Affine:
    """The six numbers of a (3, 3), or (2, 3), affine."""
    a, b, c, d, e, f = (float(value) for value in matrix[:2].ravel())
    return a, b, c, d, e, f
