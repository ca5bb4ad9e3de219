"""A Vision Transformer with a class token that also tells what each head of its last block sees.

Letters: B images, V visible patches, N patches, H heads, C width, S side in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import timm
import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from span_train.contract.errors import InputError
from span_train.models.part_attention import attention_row
from span_train.models.starting_weights import FROM_SCRATCH, Start, load_weights


@dataclass(frozen=True)
class BackboneOutput:
    """What one pass gives.

    Attributes:
        class_bc: (B, C) class token after the final norm.
        patches_bvc: (B, V, C) patch tokens after the final norm.
        attention_logits_bhv: (B, H, V) float32, the last block's class-token row.
        blocks_bvc: Patch tokens after each block asked for, in that order.
    """

    class_bc: Tensor
    patches_bvc: Tensor
    attention_logits_bhv: Tensor
    blocks_bvc: tuple[Tensor, ...]


class Backbone(nn.Module):
    """A timm VisionTransformer that takes images in [0, 1] and reports its last attention row.

    Attributes:
        start: Where the weights it starts from came from.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        vit: VisionTransformer,
        mean: Sequence[float],
        std: Sequence[float],
        start: Start = FROM_SCRATCH,
    ) -> None:
        super().__init__()
        self.start = start
        self.vit = vit
        self.prefix: int = vit.num_prefix_tokens
        self.width: int = vit.embed_dim
        self.depth: int = len(vit.blocks)
        self.heads: int = cast(Attention, cast(Block, vit.blocks[-1]).attn).num_heads
        self.grid: int = vit.patch_embed.grid_size[0]
        self.patch_px: int = vit.patch_embed.patch_size[0]
        self.side_px: int = self.grid * self.patch_px
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @property
    def middle(self) -> int:
        """Number of the block two thirds up: of natural-image networks it tells defects best."""
        return round(2 * self.depth / 3)

    def forward(
        self,
        images_bchw: Tensor,
        visible_bv: Tensor | None = None,
        blocks: tuple[int, ...] = (),
    ) -> BackboneOutput:
        """Run the network on all patches, or on the visible ones alone.

        Args:
            images_bchw: (B, 3, S, S) in [0, 1].
            visible_bv: (B, V) indices of the patches that are kept; None keeps all N.
            blocks: Numbers of the blocks (1 is the first) whose patch tokens are returned too.
        """
        vit = self.vit
        tokens_btc = vit._pos_embed(vit.patch_embed((images_bchw - self.mean) / self.std))
        if visible_bv is not None:
            tokens_btc = self._keep(tokens_btc, visible_bv)
        tokens_btc = vit.norm_pre(tokens_btc)
        kept: dict[int, Tensor] = {}
        for number, block in enumerate(vit.blocks, start=1):
            if number == self.depth:
                attention_logits_bhv = attention_row(cast(Block, block), tokens_btc, self.prefix)
            tokens_btc = block(tokens_btc)
            if number in blocks:
                kept[number] = tokens_btc[:, self.prefix :]
        normed_btc = vit.norm(tokens_btc)
        return BackboneOutput(
            normed_btc[:, 0],
            normed_btc[:, self.prefix :],
            attention_logits_bhv,
            tuple(kept[number] for number in blocks),
        )

    def _keep(self, tokens_btc: Tensor, visible_bv: Tensor) -> Tensor:
        index = (visible_bv + self.prefix)[:, :, None].expand(-1, -1, self.width)
        return torch.cat([tokens_btc[:, : self.prefix], tokens_btc.gather(1, index)], dim=1)


def build_backbone(
    name: str,
    side_px: int,
    *,
    patch_px: int = 8,
    width: int = 192,
    depth: int = 6,
    heads: int = 6,
    pretrained: bool = False,
    weights: Path | None = None,
) -> Backbone:
    """Make the `small` network of the given sizes, or any timm ViT with a class token by name.

    Raises:
        InputError: timm does not know the name, its weights cannot be fetched, or the network is no
            ViT with a class token.
        RunError: The weights file does not fit the network.
    """
    if name == "small":
        _check_side(side_px, patch_px, "model.patch_px")
        vit = VisionTransformer(
            img_size=side_px,
            patch_size=patch_px,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            num_classes=0,
        )
        mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    else:
        vit = _from_timm(name, side_px, pretrained)
        mean, std = vit.pretrained_cfg["mean"], vit.pretrained_cfg["std"]
    start = Start("timm") if pretrained else FROM_SCRATCH
    if weights is not None:
        start = load_weights(vit, weights)
    return Backbone(vit, mean, std, start)


def _from_timm(name: str, side_px: int, pretrained: bool) -> Any:
    try:
        vit: Any = timm.create_model(name, pretrained=pretrained, img_size=side_px, num_classes=0)
    except OSError as problem:  # every error of the hub's client is one
        raise InputError(
            f"model.name {name}: its weights cannot be fetched ({type(problem).__name__}); "
            "model.pretrained needs internet. Fetch them on another machine, and name the "
            "safetensors file as model.weights."
        ) from None
    except (RuntimeError, AssertionError, TypeError) as problem:
        raise InputError(f"model.name {name}: timm cannot make it ({problem}).") from None
    if not _has_row(vit):
        raise InputError(
            f"model.name {name}: no plain VisionTransformer with a class token; "
            "use `small` or a name like vit_small_patch16_224."
        )
    _check_side(side_px, vit.patch_embed.patch_size[0], f"the patches of {name},")
    return vit


def _has_row(network: Any) -> bool:
    """Whether `attention_row` can read this network's last block."""
    if not isinstance(network, VisionTransformer) or network.cls_token is None:
        return False
    last = network.blocks[-1]
    return isinstance(last, Block) and isinstance(last.attn, Attention)


def _check_side(side_px: int, patch_px: int, whose: str) -> None:
    if side_px % patch_px:
        raise InputError(
            f"input.side_px {side_px} is no multiple of {whose} {patch_px}; "
            f"use {side_px // patch_px * patch_px}."
        )
