"""Read what the class token attends to in one block, from the block's own queries and keys.

The block itself keeps its fused attention; only this one row is computed again (DESIGN.md, 5).
Letters: B images, H heads, N patches, P prefix tokens (class and registers), C width.
"""

from typing import cast

from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor
from torch.nn import functional


def attention_row(block: Block, tokens_btc: Tensor, prefix: int) -> Tensor:
    """The class token's attention logits over the patches.

    Args:
        block: A timm block whose attention has a joint `qkv` projection.
        tokens_btc: (B, P + N, C), the block's input.
        prefix: P, the number of tokens before the patches.

    Returns:
        (B, H, N) float32: ``q_cls . k_patch / sqrt(d)``; softmax over N gives the attention.
    """
    attention = cast(Attention, block.attn)
    normed_btc = block.norm1(tokens_btc)
    query_bhd = _project(attention, normed_btc[:, :1], part=0)[:, :, 0]
    key_bhnd = _project(attention, normed_btc[:, prefix:], part=1)
    query_bhd, key_bhnd = attention.q_norm(query_bhd), attention.k_norm(key_bhnd)
    # Not a matrix product: autocast would take that in 16 bits.
    logits_bhn = (query_bhd.float()[:, :, None] * key_bhnd.float()).sum(-1)
    scaled_bhn: Tensor = logits_bhn * attention.scale
    return scaled_bhn


def _project(attention: Attention, tokens_btc: Tensor, part: int) -> Tensor:
    width = attention.num_heads * attention.head_dim
    rows = slice(part * width, (part + 1) * width)
    bias = None if attention.qkv.bias is None else attention.qkv.bias[rows]
    flat_btc: Tensor = functional.linear(tokens_btc, attention.qkv.weight[rows], bias)
    split_bthd: Tensor = flat_btc.unflatten(-1, (attention.num_heads, attention.head_dim))
    return split_bthd.transpose(1, 2)
