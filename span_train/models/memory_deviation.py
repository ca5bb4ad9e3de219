"""Score how far each patch is from the nearest usual patch of any place, for parts without a pose.

Where images have no common layout, "usual at this place" means nothing; a memory of usual patches
from all places takes over (PatchCore, Roth et al., arXiv 2106.08265). Distance to the nearest is a
nonlinearity of the single patch, before pooling: evidence still sums exactly.
Letters: B images, N patches, C features of a patch, D projected features, E entries.
"""

import torch
from torch import Tensor, nn

from span_train.models.patch_score import PatchDeviations, patch_score


class MemoryDeviation(nn.Module):
    """``delta[n] = v[n] P - m[e]``, m[e] the nearest entry of the memory; 0 where a patch is usual.

    Buffers: `projection` (C, D), `memory` (E, D), and of the scores of usual patches nearest to an
    entry `usual` and `spread`, mean and standard deviation (E,).

    Attributes:
        source_e: (E,) number of the image that each entry comes from; of a memory read back from a
            file it is not known.
    """

    projection: Tensor
    memory: Tensor
    usual: Tensor
    spread: Tensor
    source_e: Tensor | None

    def __init__(self, features: int, projected: int, entries: int) -> None:
        super().__init__()
        self.register_buffer("projection", torch.zeros(features, projected))
        self.register_buffer("memory", torch.zeros(entries, projected))
        self.register_buffer("usual", torch.zeros(entries))
        self.register_buffer("spread", torch.ones(entries))
        self.source_e = None

    @property
    def projected(self) -> int:
        """D."""
        return self.memory.shape[1]

    def forward(self, patches_bnc: Tensor, learnt_b: Tensor | None = None) -> PatchDeviations:
        """How far (B, N, C) patch features are from the nearest usual ones.

        Args:
            learnt_b: (B,) number of the image, whose own entries do not count; -1 where it is new;
                None where all are.

        Raises:
            ValueError: Images were learnt from, but it is not known which entries are theirs.
        """
        placed_bnd = patches_bnc @ self.projection
        # The patch's own square is the same for all entries, so the nearest is found without it.
        closeness_bne = placed_bnd @ self.memory.T - self.memory.square().sum(-1) / 2
        if learnt_b is not None:
            if self.source_e is None:
                raise ValueError("a memory read back does not know where it comes from")
            own_be = learnt_b[:, None] == self.source_e
            closeness_bne = closeness_bne.masked_fill(own_be[:, None], -torch.inf)
        nearest_bn = closeness_bne.argmax(-1)
        delta_bnd = placed_bnd - self.memory[nearest_bn]
        score_bn = (patch_score(delta_bnd) - self.usual[nearest_bn]) / self.spread[nearest_bn]
        return PatchDeviations(delta_bnd, score_bn)
