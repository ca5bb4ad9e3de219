"""The masked objective: see a third of the patches, guess the pixels of the others.

Attention and prior are taken over the visible patches: the gate of parts out of view comes after
masking, and the prior is renormalised over what is visible (DESIGN.md, section 5).
Letters: B views, V visible and M hidden patches, N all, K parts, D pixel values of a patch.
"""

import copy

from torch import Tensor, nn

from span_train.losses.masked_pixels import masked_pixel_loss
from span_train.models.backbone import Backbone
from span_train.models.pixel_decoder import PixelDecoder
from span_train.pretrain.batches import Share
from span_train.pretrain.objective import StepResult, follow


class MaskedAutoencoder(nn.Module):
    """A masked autoencoder over a backbone, with an EMA of the backbone for evaluation."""

    views: int = 1
    uniform_loss: float | None = None

    def __init__(self, backbone: Backbone, decoder: PixelDecoder, visible: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.decoder = decoder
        self.draws: int = backbone.grid**2
        self.visible_count = max(2, round(visible * backbone.grid**2))
        self.teacher = copy.deepcopy(backbone).requires_grad_(False)

    def seen_prior(self, share: Share) -> Tensor:
        """The prior over the visible patches; see `Objective`."""
        return visible_prior(share.priors_bkn[0], self._divided(share)[0])

    def forward(self, share: Share, progress: float) -> StepResult:
        """Some images; see `Objective`. The draws order the patches, the first V stay visible."""
        images_bchw = share.views[0]
        visible_bv, hidden_bm = self._divided(share)
        output = self.backbone(images_bchw, visible_bv)
        guess_bmd = self.decoder(output.class_bc, output.patches_bvc, visible_bv, hidden_bm)
        pixels_bnd = patch_pixels(images_bchw, self.backbone.patch_px)
        index = hidden_bm[:, :, None].expand(-1, -1, pixels_bnd.shape[-1])
        loss = masked_pixel_loss(guess_bmd, pixels_bnd.gather(1, index))
        features_nc = output.patches_bvc.detach().flatten(0, 1)
        return StepResult(loss, output.attention_logits_bhv, output.class_bc, features_nc, {})

    def measures(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Nothing beside what every objective has."""
        return {}

    def follow(self, momentum: float, sums: dict[str, Tensor]) -> None:
        """Move the averaged backbone towards the trained one."""
        follow(self.teacher, self.backbone, momentum)

    def _divided(self, share: Share) -> tuple[Tensor, Tensor]:
        order_bn = share.draws_bn.argsort(dim=1)
        return order_bn[:, : self.visible_count], order_bn[:, self.visible_count :]


def patch_pixels(images_bchw: Tensor, patch_px: int) -> Tensor:
    """Cut (B, 3, S, S) images into (B, N, D) patches, row by row."""
    cut = images_bchw.unfold(2, patch_px, patch_px).unfold(3, patch_px, patch_px)
    return cut.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)


def visible_prior(prior_bkn: Tensor, visible_bv: Tensor) -> Tensor:
    """The prior over visible patches (B, K, V); a part with under one visible patch becomes 0."""
    index = visible_bv[:, None, :].expand(-1, prior_bkn.shape[1], -1)
    seen_bkv = prior_bkn.gather(2, index)
    return seen_bkv * (seen_bkv.sum(-1, keepdim=True) >= 1.0)
