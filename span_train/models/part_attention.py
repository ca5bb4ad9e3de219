"""Read what the class token attends to in one block, from the block's own queries and keys.

The block itself keeps its fused attention; only this one row is computed again (DESIGN.md, 5).
Letters: B images, H heads, N patches, P prefix tokens (class and registers), C width.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional


def attention_row(block: Block, tokens_btc: Tensor, prefix: int) -> Tensor:
    """The class token's attention logits over the patches.

    Where keys are not normalised they need not be computed: ``q . (W x + b) = (W^T q) . x + q . b``
    takes one product with a vector a head and patch, instead of one with a matrix a patch.

    Args:
        block: A timm block whose attention has a joint `qkv` projection.
        tokens_btc: (B, P + N, C), the block's input.
        prefix: P, the number of tokens before the patches.

    Returns:
        (B, H, N) float32: ``q_cls . k_patch / sqrt(d)``; softmax over N gives the attention.
    """
    attention = cast(Attention, block.attn)
    normed_btc = block.norm1(tokens_btc)
    class_b1c, patches_bnc = normed_btc[:, :1], normed_btc[:, prefix:]
    query_bhd = attention.q_norm(_project(attention, class_b1c, part=0)[:, :, 0])
    with _in_32_bits(tokens_btc.device.type):
        if isinstance(attention.k_norm, nn.Identity):
            logits_bhn = _meet(attention, query_bhd.float(), patches_bnc.float())
        else:
            key_bhnd = attention.k_norm(_project(attention, patches_bnc, part=1))
            logits_bhn = (query_bhd.float()[:, :, None] * key_bhnd.float()).sum(-1)
        scaled_bhn: Tensor = logits_bhn * attention.scale
    return scaled_bhn


def _meet(attention: Attention, query_bhd: Tensor, patches_bnc: Tensor) -> Tensor:
    """(B, H, N): queries by the keys that the patches have, without making these."""
    weight, bias = _weight_and_bias(attention, part=1)
    weight_hdc = weight.float().unflatten(0, (attention.num_heads, attention.head_dim))
    looked_for_bhc: Tensor = (query_bhd[:, :, None] @ weight_hdc)[:, :, 0]
    logits_bhn: Tensor = looked_for_bhc @ patches_bnc.transpose(1, 2)
    if bias is not None:
        bias_hd = bias.float().unflatten(0, (attention.num_heads, attention.head_dim))
        logits_bhn = logits_bhn + (query_bhd * bias_hd).sum(-1, keepdim=True)
    return logits_bhn


def _project(attention: Attention, tokens_btc: Tensor, part: int) -> Tensor:
    flat_btc: Tensor = functional.linear(tokens_btc, *_weight_and_bias(attention, part))
    split_bthd: Tensor = flat_btc.unflatten(-1, (attention.num_heads, attention.head_dim))
    return split_bthd.transpose(1, 2)


def _weight_and_bias(attention: Attention, part: int) -> tuple[Tensor, Tensor | None]:
    """Of the queries (0) or keys (1)."""
    width = attention.num_heads * attention.head_dim
    rows = slice(part * width, (part + 1) * width)
    bias = attention.qkv.bias
    return attention.qkv.weight[rows], None if bias is None else bias[rows]


def _in_32_bits(device: str) -> AbstractContextManager[object]:
    """No autocast; nothing at all where there is none, so that an export sees no trace of it."""
    return (
        torch.autocast(device, enabled=False)
        if torch.is_autocast_enabled(device)
        else nullcontext()
    )
