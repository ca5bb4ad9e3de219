"""Run a Vision Transformer on views smaller than it was made for, for multi-crop training.

Letters: B views, N patches of a view, P prefix tokens, C width, s side in pixels.
"""

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor

from span_train.models.backbone import Backbone


def local_class_tokens(backbone: Backbone, images_bchw: Tensor) -> Tensor:
    """The class tokens (B, C) after the final norm, with position embeddings resampled to s.

    Args:
        backbone: Made for a larger side.
        images_bchw: (B, 3, s, s) in [0, 1], s a multiple of the patch.
    """
    vit = backbone.vit
    patches_bcgg = vit.patch_embed.proj((images_bchw - backbone.mean) / backbone.std)
    patches_bnc = vit.patch_embed.norm(patches_bcgg.flatten(2).transpose(1, 2))
    grid, prefix = patches_bcgg.shape[-1], 0 if vit.no_embed_class else backbone.prefix
    places = resample_abs_pos_embed(
        vit.pos_embed, [grid, grid], [backbone.grid, backbone.grid], num_prefix_tokens=prefix
    )
    first = [token for token in (vit.cls_token, vit.reg_token) if token is not None]
    prefix_bpc = torch.cat([token.expand(len(images_bchw), -1, -1) for token in first], dim=1)
    if vit.no_embed_class:
        tokens_btc = torch.cat([prefix_bpc, patches_bnc + places], dim=1)
    else:
        tokens_btc = torch.cat([prefix_bpc, patches_bnc], dim=1) + places
    tokens_btc = vit.norm_pre(vit.pos_drop(tokens_btc))
    for block in vit.blocks:
        tokens_btc = block(tokens_btc)
    class_bc: Tensor = vit.norm(tokens_btc)[:, 0]
    return class_bc
