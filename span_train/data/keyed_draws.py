"""Which images a step takes and how each is changed: pure functions of keys, with no state to save.

All randomness is a pure function of (seed, epoch, image, view), so that a run can be resumed,
repeated or divided among machines without changing a view.
Letters: B images.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Uniforms = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_DRAWS = 12 + 2 * 36  # what a view needs, see view_geometry.py and views.py


def keyed_uniforms(seed: int, epoch: int, images_b: Numbers, stream: int, draws: int) -> Uniforms:
    """Independent uniforms in [0, 1), shape (B, draws), keyed by seed, epoch, image and stream.

    A counter through the SplitMix64 finaliser (Steele et al., OOPSLA 2014): no state to save.
    """
    rows = _rows(seed, epoch, images_b, stream)
    steps = np.arange(1, draws + 1, dtype=np.uint64) * _GOLDEN
    mixed = _mix(rows[:, None] + steps[None, :])
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def keyed_normals(
    seed: int,
    epoch: int,
    images_b: Numbers,
    stream: int,
    shape: tuple[int, ...],
    device: torch.device | None = None,
) -> Tensor:
    """Independent standard normals (B, *shape) float32, made on the device, keyed by the uniforms.

    ``keyed_uniforms(…, 2 * half)`` through the transform of Box and Muller (1958).
    """
    count = math.prod(shape)
    half = -(-count // 2)
    rows_b = torch.from_numpy(_rows(seed, epoch, images_b, stream).view(np.int64)).to(device)
    steps = torch.arange(1, 2 * half + 1, device=device) * _signed(_GOLDEN)
    uniforms = _high(_mix_on_device(rows_b[:, None] + steps), 11).double() / 2.0**53
    radius = (-2 * torch.log1p(-uniforms[:, :half])).sqrt()
    angle = 2 * math.pi * uniforms[:, half:]
    normals = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)
    return normals[:, :count].float().view(len(images_b), *shape)


def batch_of_step(step: int, images: int, batch_size: int, seed: int) -> tuple[int, Numbers]:
    """Epoch and image indices of a step: every epoch a new order, the last short batch left out."""
    size = min(batch_size, images)
    steps_an_epoch = images // size
    epoch, place = divmod(step, steps_an_epoch)
    return epoch, _order(seed, epoch, images)[place * size : (place + 1) * size]


def uniforms_of_view(seed: int, epoch: int, images_b: Numbers, view: int) -> Uniforms:
    """The draws that make view number `view` of these images in this epoch."""
    return keyed_uniforms(seed, epoch, images_b, view, _DRAWS)


@lru_cache(maxsize=2)  # shuffling a million images takes longer than some steps
def _order(seed: int, epoch: int, images: int) -> Numbers:
    return np.random.default_rng([seed, epoch]).permutation(images)


def _rows(seed: int, epoch: int, images_b: Numbers, stream: int) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        state = _mix(np.uint64(seed) + _GOLDEN)
        for key in (epoch, stream):
            state = _mix(state ^ _mix(np.uint64(key) + np.uint64(0x632BE59BD9B4E019)))
        return _mix(state ^ _mix(images_b.astype(np.uint64) + np.uint64(0xD1B54A32D192ED03)))


def _mix(state: npt.NDArray[np.uint64] | np.uint64) -> npt.NDArray[np.uint64]:
    mixed = np.asarray(state, np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FACTORS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _FACTORS[1]
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def _mix_on_device(state: Tensor) -> Tensor:
    """`_mix` for tensors, whose 64-bit integers are signed and wrap around just the same."""
    mixed = (state ^ _high(state, 30)) * _signed(_FACTORS[0])
    mixed = (mixed ^ _high(mixed, 27)) * _signed(_FACTORS[1])
    return mixed ^ _high(mixed, 31)


def _high(state: Tensor, dropped: int) -> Tensor:
    """The higher bits, as an unsigned shift to the right would leave them."""
    return (state >> dropped) & ((1 << (64 - dropped)) - 1)


def _signed(number: np.uint64) -> int:
    return int(np.asarray(number).view(np.int64))
