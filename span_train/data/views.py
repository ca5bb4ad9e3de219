"""Cut training views from a batch in one tensor step, with the part priors going along.

All randomness is a pure function of (seed, epoch, image, view), so that a run can be resumed,
repeated or divided among machines without changing a view.
Letters: B images, K parts, S side in pixels, G patches a side, N = G * G.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Uniforms = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
_DRAWS = 12
SMALLEST_SEEN = 0.05


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


def keyed_uniforms(seed: int, epoch: int, images_b: Numbers, stream: int, draws: int) -> Uniforms:
    """Independent uniforms in [0, 1), shape (B, draws), keyed by seed, epoch, image and stream.

    A counter through the SplitMix64 finaliser (Steele et al., OOPSLA 2014): no state to save.
    """
    with np.errstate(over="ignore"):
        state = _mix(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
        for key in (epoch, stream):
            state = _mix(state ^ _mix(np.uint64(key) + np.uint64(0x632BE59BD9B4E019)))
        rows = _mix(state ^ _mix(images_b.astype(np.uint64) + np.uint64(0xD1B54A32D192ED03)))
        steps = np.arange(1, draws + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = _mix(rows[:, None] + steps[None, :])
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def keyed_normals(
    seed: int, epoch: int, images_b: Numbers, stream: int, shape: tuple[int, ...]
) -> Tensor:
    """Independent standard normals (B, *shape) float32, keyed as `keyed_uniforms` are."""
    count = math.prod(shape)
    half = -(-count // 2)
    uniforms = keyed_uniforms(seed, epoch, images_b, stream, 2 * half)
    radius = np.sqrt(-2 * np.log1p(-uniforms[:, :half]))  # Box and Muller, 1958
    angle = 2 * np.pi * uniforms[:, half:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    normals = torch.from_numpy(both[:, :count].astype(np.float32))
    return normals.view(len(images_b), *shape)


def view_geometry(uniforms: Uniforms, ranges: ViewRanges) -> Tensor:
    """Sampling matrices (B, 2, 3) float32 for `affine_grid`: crop, aspect, turn, flips.

    A view never shows less than `min_area` of the image before it is turned.
    """
    area = ranges.min_area + (1 - ranges.min_area) * uniforms[:, 0]
    aspect = ranges.max_aspect ** (2 * uniforms[:, 1] - 1)
    half_width = np.minimum(np.sqrt(area * aspect), 1.0)
    half_height = np.minimum(area / half_width, 1.0)
    half_width = np.minimum(area / half_height, 1.0)
    centre_x = (2 * uniforms[:, 2] - 1) * (1 - half_width)
    centre_y = (2 * uniforms[:, 3] - 1) * (1 - half_height)
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
    return torch.from_numpy(np.stack([np.stack(row, -1) for row in rows], 1).astype(np.float32))


def make_views(
    images_bhwc: Tensor, uniforms: Uniforms, ranges: ViewRanges, noise_bchw: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Cut one view of each image.

    Args:
        images_bhwc: (B, S, S, 3) uint8, on the training device.
        uniforms: (B, 12) from `keyed_uniforms`.
        ranges: How far views may differ.
        noise_bchw: Standard normal noise of the views' shape; used where ranges.noise > 0.

    Returns:
        Views (B, 3, S, S) float32 in [0, 1], and the geometry (B, 2, 3) that made them.
    """
    geometry = view_geometry(uniforms, ranges).to(images_bhwc.device)
    images_bchw = images_bhwc.permute(0, 3, 1, 2).float() / 255
    grid = functional.affine_grid(geometry, list(images_bchw.shape), align_corners=False)
    views = functional.grid_sample(
        images_bchw, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    gain = _column(1 + ranges.contrast * (2 * uniforms[:, 8] - 1), views)
    shift = _column(ranges.brightness * (2 * uniforms[:, 9] - 1), views)
    middle = views.mean(dim=(1, 2, 3), keepdim=True)
    views = (views - middle) * gain + middle + shift * middle
    if ranges.noise > 0 and noise_bchw is not None:
        views = views + noise_bchw * _column(ranges.noise * uniforms[:, 10], views)
    return views.clamp(0, 1), geometry


def view_priors(masks_kss: Tensor, geometry_b23: Tensor, grid: int) -> Tensor:
    """Take the layout through the views' geometry: (B, K, N) mask area in each patch, in patches.

    A part of which less than 5 %, or less than one patch of area, is in view becomes a zero row
    (DESIGN.md, section 5).

    Args:
        masks_kss: (K, S, S) float32 layout in the frame of the fitted image.
        geometry_b23: (B, 2, 3) from `make_views`.
        grid: G, patches a side.
    """
    views, parts, side = len(geometry_b23), masks_kss.shape[0], masks_kss.shape[-1]
    sampling = functional.affine_grid(geometry_b23, [views, parts, side, side], align_corners=False)
    seen = functional.grid_sample(
        masks_kss.expand(views, -1, -1, -1),
        sampling,
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    prior_bkn = functional.adaptive_avg_pool2d(seen, grid).flatten(2)
    scale_b = torch.linalg.det(geometry_b23[:, :, :2].cpu()).abs().to(seen.device)
    patches_bk = prior_bkn.sum(-1)
    layout_k = functional.adaptive_avg_pool2d(masks_kss[None], grid).sum(dim=(0, 2, 3))
    share_bk = patches_bk * scale_b[:, None] / layout_k.clamp(min=1e-9)
    enough = (share_bk >= SMALLEST_SEEN) & (patches_bk >= 1.0)
    gated_bkn: Tensor = prior_bkn * enough[:, :, None]
    return gated_bkn


def soften(masks_kss: Tensor, radius_px: float) -> Tensor:
    """Blur masks with a Gaussian of sigma `radius_px` / 2: their borders carry less weight."""
    if radius_px <= 0:
        return masks_kss
    reach = max(1, round(radius_px))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / (radius_px / 2)) ** 2)
    kernel = (kernel / kernel.sum()).to(masks_kss.device)
    padded = functional.pad(masks_kss[:, None], (reach,) * 4, mode="replicate")
    across = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    softened: Tensor = functional.conv2d(across, kernel.view(1, 1, -1, 1))
    return softened[:, 0]


def batch_of_step(step: int, images: int, batch_size: int, seed: int) -> tuple[int, Numbers]:
    """Epoch and image indices of a step: every epoch a new order, the last short batch left out."""
    size = min(batch_size, images)
    steps_an_epoch = images // size
    epoch, place = divmod(step, steps_an_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(images)
    return epoch, order[place * size : (place + 1) * size]


def uniforms_of_view(seed: int, epoch: int, images_b: Numbers, view: int) -> Uniforms:
    """The draws that make view number `view` of these images in this epoch."""
    return keyed_uniforms(seed, epoch, images_b, view, _DRAWS)


def _mix(state: npt.NDArray[np.uint64] | np.uint64) -> npt.NDArray[np.uint64]:
    mixed = np.asarray(state, np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def _flip(uniform: npt.NDArray[np.float64], allowed: bool) -> npt.NDArray[np.float64]:
    return np.where(uniform < 0.5, -1.0, 1.0) if allowed else np.ones_like(uniform)


def _column(values: npt.NDArray[np.float64], like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(like.device).view(-1, 1, 1, 1)
