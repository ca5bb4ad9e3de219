"""How many heads a line's network has, and how large its patches are, before it is built."""

from typing import Any, NamedTuple

from span_train.contract.errors import InputError
from span_train.contract.settings import ModelSettings


class NetworkSize(NamedTuple):
    """What a layout has to fit.

    Attributes:
        heads: Attention heads of the last block.
        patch_px: Side of a patch in pixels of the fitted image.
    """

    heads: int
    patch_px: int


def network_size(model: ModelSettings) -> NetworkSize:
    """The sizes of the `small` network, or of a timm ViT, which is drafted without its weights.

    Raises:
        InputError: timm does not know the name, or the network is no Vision Transformer.
    """
    if model.name == "small":
        return NetworkSize(model.heads, model.patch_px)
    import timm  # takes seconds, and the small network does without
    import torch

    try:
        with torch.device("meta"):
            draft: Any = timm.create_model(model.name, num_classes=0)
        return NetworkSize(draft.blocks[-1].attn.num_heads, draft.patch_embed.patch_size[0])
    except RuntimeError as problem:
        raise InputError(f"model.name {model.name}: timm cannot make it ({problem}).") from None
    except (AttributeError, TypeError):
        raise InputError(
            f"model.name {model.name}: no plain VisionTransformer with a class token; use `small` "
            "or a name like vit_small_patch16_224."
        ) from None
