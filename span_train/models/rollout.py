"""Attention rollout: what plain attention, followed through all blocks, says an image rests on.

Abnar and Zuidema, "Quantifying Attention Flow in Transformers", arXiv 2005.00928, section 3. It
knows nothing of defects; evidence must do better than it (DESIGN.md, section 6).
Letters: B images, T tokens, N patches, H heads, C width.
"""

from typing import cast

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor

from span_train.models.backbone import Backbone


def attention_rollout(backbone: Backbone, images_nhwc: Tensor) -> Tensor:
    """(B, N) how much of the class token comes from each patch; a row sums to at most 1.

    Each block's attention is averaged over its heads, mixed half and half with the identity for the
    residual connection, and multiplied onto that of the blocks before.

    Args:
        images_nhwc: (B, S, S, 3) uint8.
    """
    vit = backbone.vit
    pixels_bchw = images_nhwc.permute(0, 3, 1, 2).float() / 255
    tokens_btc = vit._pos_embed(vit.patch_embed((pixels_bchw - backbone.mean) / backbone.std))
    tokens_btc = vit.norm_pre(tokens_btc)
    count = tokens_btc.shape[1]
    identity_tt = torch.eye(count, device=tokens_btc.device)
    flow_btt = identity_tt.expand(len(tokens_btc), count, count)
    for block in vit.blocks:
        attention_btt = _attention(cast(Block, block), tokens_btc).mean(1)
        flow_btt = (attention_btt + identity_tt) / 2 @ flow_btt
        tokens_btc = block(tokens_btc)
    return flow_btt[:, 0, backbone.prefix :]


def _attention(block: Block, tokens_btc: Tensor) -> Tensor:
    """(B, H, T, T), computed again from the block's own queries and keys."""
    attention = cast(Attention, block.attn)
    projected = attention.qkv(block.norm1(tokens_btc))
    query_bhtd, key_bhtd, _ = projected.unflatten(
        -1, (3, attention.num_heads, attention.head_dim)
    ).permute(2, 0, 3, 1, 4)
    query_bhtd, key_bhtd = attention.q_norm(query_bhtd), attention.k_norm(key_bhtd)
    weighed_bhtt: Tensor = (query_bhtd * attention.scale) @ key_bhtd.transpose(-2, -1)
    return weighed_bhtt.softmax(-1)
