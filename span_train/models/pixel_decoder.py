"""A small network that guesses hidden patches from what the encoder made of the visible ones.

Letters: B images, V visible and M hidden patches, N = V + M, D pixel values of a patch, C width.
"""

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn


class PixelDecoder(nn.Module):
    """The masked autoencoder's decoder (He et al., arXiv 2111.06377, section 3)."""

    def __init__(
        self, encoder_width: int, patches: int, patch_px: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.patches = patches
        self.enter = nn.Linear(encoder_width, width)
        self.hidden_token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.zeros(1, 1 + patches, width))
        self.blocks = nn.Sequential(*[Block(width, heads, qkv_bias=True) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, patch_px**2 * 3)
        nn.init.normal_(self.hidden_token, std=0.02)
        nn.init.normal_(self.places, std=0.02)

    def forward(
        self, class_bc: Tensor, visible_bvc: Tensor, visible_bv: Tensor, hidden_bm: Tensor
    ) -> Tensor:
        """Guesses (B, M, D) for the hidden patches, in the order of `hidden_bm`.

        Args:
            class_bc: (B, C) class token.
            visible_bvc: (B, V, C) encoded visible patches.
            visible_bv, hidden_bm: Their patch numbers.
        """
        entered = self.enter(torch.cat([class_bc[:, None], visible_bvc], dim=1))
        tokens = torch.cat(
            [entered, self.hidden_token.expand(len(entered), hidden_bm.shape[1], -1)], dim=1
        )
        order = torch.cat([torch.zeros_like(visible_bv[:, :1]), visible_bv + 1, hidden_bm + 1], 1)
        places = self.places.expand(len(tokens), -1, -1)
        tokens = tokens + places.gather(1, order[:, :, None].expand(-1, -1, places.shape[-1]))
        decoded = self.norm(self.blocks(tokens))
        guessed: Tensor = self.leave(decoded[:, 1 + visible_bv.shape[1] :])
        return guessed
