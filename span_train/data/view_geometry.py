"""Where each point of a training view lies in its image: crop, zoom, turn, shift and smooth bend.

Letters: B images, S side in points, C control points a side.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from span_train.data.keyed_draws import Uniforms

CONTROL_POINTS = 6
_BEND_FROM = 12  # the draws before are those of crop, turn, flips and photometric changes


@dataclass(frozen=True)
class ViewRanges:
    """How far views may differ from the image; see `ViewSettings` for the meaning of each."""

    min_area: float
    max_rotation_deg: float
    max_aspect: float
    brightness: float
    contrast: float
    noise: float
    symmetry: tuple[str, ...] = ()
    max_area: float = 1.0
    max_shift: float = 0.0
    max_warp: float = 0.0
    beyond_border: Literal["mirror", "edge"] = "mirror"


@dataclass(frozen=True)
class ViewGeometry:
    """Takes places of a view to places of its image; both run from -1 to 1, (x, y).

    Attributes:
        affine_b23: (B, 2, 3) float32: crop, zoom, aspect, turn, flips and shift.
        bend_b2cc: (B, 2, C, C) float32: how much further places move, (x, y): the control points
            of a cubic B-spline over the view, so that no place moves further than they do; None
            where nothing is bent.
    """

    affine_b23: Tensor
    bend_b2cc: Tensor | None = None

    def places(self, side: int) -> Tensor:
        """Places in the image of a view's S x S points, (B, S, S, 2), for `grid_sample`.

        Any S samples the same geometry: images and their priors may have different sides.
        """
        size = [len(self.affine_b23), 1, side, side]
        places_bss2 = functional.affine_grid(self.affine_b23, size, align_corners=False)
        if self.bend_b2cc is None:
            return places_bss2
        spline_sc = _spline(side).to(self.bend_b2cc.device)
        moved_b2ss = spline_sc @ self.bend_b2cc @ spline_sc.T
        return places_bss2 + moved_b2ss.permute(0, 2, 3, 1)

    def area_seen(self, seen_bkss: Tensor, places_bss2: Tensor) -> Tensor:
        """The area (B, K), in shares of the image, of what a view shows of something.

        Args:
            seen_bkss: (B, K, S, S) how much of it lies at each point of the view.
            places_bss2: Those points in the image, from `places`.
        """
        if self.bend_b2cc is None:
            a = self.affine_b23
            zoom_b = (a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0]).abs()
            return seen_bkss.mean(dim=(2, 3)) * zoom_b[:, None]
        down, right = torch.gradient(places_bss2, spacing=2 / places_bss2.shape[1], dim=(1, 2))
        zoom_bss = (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).abs()
        return (seen_bkss * zoom_bss[:, None]).mean(dim=(2, 3))


def view_geometry(uniforms: Uniforms, ranges: ViewRanges, device: torch.device) -> ViewGeometry:
    """The geometry that these draws make.

    Before it is turned, a view shows `min_area` to `max_area` of the image's area. A view smaller
    than the image stays inside of it, a larger one holds all of it, both up to `max_shift`.

    Args:
        uniforms: (B, 12 or more) from `uniforms_of_view`; bending takes 72 more.
        ranges: How far views may differ.
        device: Where the views are made.
    """
    half_width, half_height = _half_sides(uniforms, ranges)
    centre_x = (2 * uniforms[:, 2] - 1) * (abs(1 - half_width) + 2 * ranges.max_shift)
    centre_y = (2 * uniforms[:, 3] - 1) * (abs(1 - half_height) + 2 * ranges.max_shift)
    turn = np.deg2rad((2 * uniforms[:, 4] - 1) * ranges.max_rotation_deg)
    if "quarter_turns" in ranges.symmetry:
        turn = turn + np.floor(uniforms[:, 5] * 4) * np.pi / 2
    flip_x = _flip(uniforms[:, 6], "flip_horizontal" in ranges.symmetry)
    flip_y = _flip(uniforms[:, 7], "flip_vertical" in ranges.symmetry)
    cos, sin = np.cos(turn), np.sin(turn)
    rows = [
        [half_width * cos * flip_x, -half_width * sin * flip_y, centre_x],
        [half_height * sin * flip_x, half_height * cos * flip_y, centre_y],
    ]
    affine_b23 = np.stack([np.stack(row, -1) for row in rows], 1).astype(np.float32)
    bend_b2cc = None
    if ranges.max_warp > 0:
        sides_b2 = np.stack([half_width, half_height], axis=1)
        bend_b2cc = torch.from_numpy(_bend(uniforms, sides_b2 * ranges.max_warp)).to(device)
    return ViewGeometry(torch.from_numpy(affine_b23).to(device), bend_b2cc)


def _half_sides(uniforms: Uniforms, ranges: ViewRanges) -> tuple[Uniforms, Uniforms]:
    area = ranges.min_area + (ranges.max_area - ranges.min_area) * uniforms[:, 0]
    aspect = ranges.max_aspect ** (2 * uniforms[:, 1] - 1)
    widest = max(1.0, ranges.max_area**0.5)
    half_width = np.minimum(np.sqrt(area * aspect), widest)
    half_height = np.minimum(area / half_width, widest)
    return np.minimum(area / half_height, widest), half_height


def _bend(uniforms: Uniforms, furthest_b2: Uniforms) -> npt.NDArray[np.float32]:
    draws = uniforms[:, _BEND_FROM : _BEND_FROM + 2 * CONTROL_POINTS**2]
    bend_b2cc = (2 * draws - 1).reshape(-1, 2, CONTROL_POINTS, CONTROL_POINTS)
    return np.asarray(2 * furthest_b2[:, :, None, None] * bend_b2cc, np.float32)


def _spline(side: int) -> Tensor:
    """Weights (S, C) of the control points at each point: cubic B-splines, one past each border."""
    spacing = 2 / (CONTROL_POINTS - 3)
    controls_c = spacing * (torch.arange(CONTROL_POINTS) - (CONTROL_POINTS - 1) / 2)
    points_s = (2 * torch.arange(side) + 1) / side - 1
    away = ((points_s[:, None] - controls_c) / spacing).abs()
    near, far = 2 / 3 - away**2 + away**3 / 2, (2 - away).clamp(min=0) ** 3 / 6
    return torch.where(away < 1, near, far)


def _flip(uniform: npt.NDArray[np.float64], allowed: bool) -> npt.NDArray[np.float64]:
    return np.where(uniform < 0.5, -1.0, 1.0) if allowed else np.ones_like(uniform)
