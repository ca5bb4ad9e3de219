"""The objective of a warm start: keep what a natural-image network sees, whatever the light.

The student sees some patches of a view in changed light; a middle block must give for them what
the network it started from gives for the whole view in its own light. So the features stay as good
as they were, get steady against what varies from image to image, and learn to fill in what the
product looks like, while the heads of the last block move to their parts.
Letters: B views, V visible patches, N all, K parts, S side in pixels.
"""

import copy

import torch
from torch import Tensor, nn

from span_train.losses.steady_features import steady_features_loss
from span_train.models.backbone import Backbone
from span_train.pretrain.batches import Share
from span_train.pretrain.masked_autoencoder import visible_prior
from span_train.pretrain.objective import StepResult, follow

_LIGHT_DRAWS = 3


class SteadyFeatures(nn.Module):
    """Feature distillation from the starting network, with an EMA of the backbone for evaluation.

    Args:
        backbone: The network to train, as it is at the start.
        block: Number of the block whose patch features are kept; 1 is the first.
        visible: Share of the patches that the student sees.
        light: Largest change of gain, of brightness and of gamma, as a share.

    Raises:
        ValueError: The network has no such block.
    """

    views: int = 1
    uniform_loss: float | None = None

    def __init__(self, backbone: Backbone, block: int, visible: float, light: float) -> None:
        super().__init__()
        if not 1 <= block <= backbone.depth:
            raise ValueError(f"block {block}, expected 1 to {backbone.depth}")
        self.backbone = backbone
        self.block = block
        self.light = light
        self.places: int = backbone.grid**2
        self.draws: int = self.places + _LIGHT_DRAWS
        self.visible_count = max(2, round(visible * self.places))
        self.teacher = copy.deepcopy(backbone).requires_grad_(False)
        self.kept = copy.deepcopy(backbone).requires_grad_(False).eval()
        del self.kept.vit.blocks[block:]  # what comes after is never asked for
        self.kept.depth = block

    def seen_prior(self, share: Share) -> Tensor:
        """The prior over the visible patches; see `Objective`."""
        return visible_prior(share.priors_bkn[0], self._visible(share))

    def forward(self, share: Share, progress: float) -> StepResult:
        """Some images; see `Objective`. The draws order the patches, then change the light."""
        images_bchw, visible_bv = share.views[0], self._visible(share)
        changed = in_other_light(images_bchw, share.draws_bn[:, self.places :], self.light)
        output = self.backbone(changed, visible_bv, blocks=(self.block,))
        with torch.no_grad():
            kept_bnc = self.kept(images_bchw, blocks=(self.block,)).blocks_bvc[0]
        index = visible_bv[:, :, None].expand(-1, -1, kept_bnc.shape[-1])
        loss = steady_features_loss(output.blocks_bvc[0], kept_bnc.gather(1, index))
        features_nc = output.patches_bvc.detach().flatten(0, 1)
        return StepResult(loss, output.attention_logits_bhv, output.class_bc, features_nc, {})

    def measures(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Nothing beside what every objective has."""
        return {}

    def follow(self, momentum: float, sums: dict[str, Tensor]) -> None:
        """Move the averaged backbone towards the trained one."""
        follow(self.teacher, self.backbone, momentum)

    def _visible(self, share: Share) -> Tensor:
        return share.draws_bn[:, : self.places].argsort(dim=1)[:, : self.visible_count]


def in_other_light(images_bchw: Tensor, draws_b3: Tensor, most: float) -> Tensor:
    """Change contrast, brightness and gamma of each image by its draws, within [0, 1].

    Args:
        images_bchw: (B, 3, S, S) in [0, 1].
        draws_b3: (B, 3) uniforms in [0, 1).
        most: Largest change, as a share.
    """
    gain, shift, bend = ((2 * draws_b3.float() - 1) * most)[:, :, None, None, None].unbind(1)
    middle = images_bchw.mean(dim=(1, 2, 3), keepdim=True)
    changed = (images_bchw - middle) * (1 + gain) + middle * (1 + shift)
    return changed.clamp(0, 1).pow(torch.exp(bend))
