"""Spoil the priors on their way into the training loop, to see what they are needed for.

The product has no setting for this: the loop is built as ever, then its inputs are wrapped.
Letters: B images of a batch, K parts, s side of a mask, N patches.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch
from part_jobs import Prior
from torch import Tensor

from span_train.data.keyed_draws import Numbers, keyed_uniforms
from span_train.data.part_masks import PartMasks, view_priors
from span_train.data.view_geometry import ViewGeometry
from span_train.pretrain import batches as batches_module
from span_train.pretrain import run as run_module
from span_train.pretrain.build import build_loop
from span_train.pretrain.loop import PretrainLoop

SHIFT = 0.25
_SHUFFLE_STREAM = 3000


class AlteredMasks:
    """The loop's part masks, changed on their way to a batch; all else is passed on."""

    def __init__(self, inner: PartMasks, change: Callable[[Tensor, Numbers], Tensor]) -> None:
        self.inner = inner
        self.change = change

    def of(self, chosen_b: Numbers) -> Tensor:
        """The masks of these images, (1 or B, K, s, s), changed."""
        return self.change(self.inner.of(chosen_b), chosen_b)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def shifted(masks_bkss: Tensor, chosen_b: Numbers) -> Tensor:
    """Every part a quarter of the image too far to the right and down; nothing comes in."""
    places = round(SHIFT * masks_bkss.shape[-1])
    moved = torch.zeros_like(masks_bkss)
    moved[..., places:, places:] = masks_bkss[..., :-places, :-places]
    return moved


def shuffled(seed: int) -> Callable[[Tensor, Numbers], Tensor]:
    """Each image's parts in an order of its own, always the same for the same image."""

    def change(masks_bkss: Tensor, chosen_b: Numbers) -> Tensor:
        parts = masks_bkss.shape[1]
        draws_bk = keyed_uniforms(seed, 0, chosen_b, _SHUFFLE_STREAM, parts)
        order_bk = torch.from_numpy(np.argsort(draws_bk, axis=1)).to(masks_bkss.device)
        every = masks_bkss.expand(len(chosen_b), -1, -1, -1)
        return every[torch.arange(len(chosen_b))[:, None], order_bk]

    return change


def not_cropped_along(real: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`view_priors` as if every view were the whole image, whatever was cut from it."""

    def whole(masks_bkss: Tensor, geometry: ViewGeometry, grid: int) -> Tensor:
        still_b23 = torch.zeros_like(geometry.affine_b23)
        still_b23[:, 0, 0] = still_b23[:, 1, 1] = 1.0
        return real(masks_bkss, ViewGeometry(still_b23), grid)

    return whole


@contextmanager
def altered(prior: Prior, seed: int) -> Iterator[None]:
    """While this holds, `span_train.pretrain.run.pretrain` trains under such priors."""
    change = {"shifted": shifted, "shuffled": shuffled(seed)}.get(prior)

    def build_altered(*inputs: Any, **more: Any) -> PretrainLoop:
        loop = build_loop(*inputs, **more)
        if change is not None:
            wrapped = AlteredMasks(loop.batches.part_masks, change)
            loop.batches.part_masks = cast(PartMasks, wrapped)
        return loop

    priors = not_cropped_along(view_priors) if prior == "not cropped along" else view_priors
    with (
        patch.object(run_module, "build_loop", build_altered),
        patch.object(batches_module, "view_priors", priors),
    ):
        yield
