"""The whole network that goes to the line: 8-bit images in, scores with their evidence out.

Letters: N images, S side in pixels, G patches a side, H heads, K parts, J features, T defect types.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead, FeatureName


class InspectionOutputs(NamedTuple):
    """The outputs of torch and of the exported graph (DESIGN.md, section 9), all float32.

    Attributes:
        logits: (N, 1 + T), the defect logit z first.
        attention: (N, H, G, G), each head's sums to 1.
        evidence: (N, 1 + T, G, G); with `bias` it sums to the logits.
        contributions: (N, 1 + T, J); with `bias` they sum to the logits.
        bias: (1 + T,).
        outlier: (N,).
        outlier_parts: (N, K).
    """

    logits: Tensor
    attention: Tensor
    evidence: Tensor
    contributions: Tensor
    bias: Tensor
    outlier: Tensor
    outlier_parts: Tensor


class InspectionModel(nn.Module):
    """Backbone and defect head behind one uint8 input.

    Args:
        backbone: The pretrained network.
        head: The fitted defect head.
        blocks: Numbers of the blocks whose patch features the head looks at.
        part_names: K names; head k is assigned to part k.
        defect_types: Names of the T outputs after z.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: DefectHead,
        blocks: tuple[int, ...],
        part_names: tuple[str, ...],
        defect_types: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.blocks = blocks
        self.part_names = part_names
        self.defect_types = defect_types
        self.side_px: int = backbone.side_px
        self.grid: int = backbone.grid
        free = range(1, backbone.heads - len(part_names) + 1)
        self.head_names: tuple[str, ...] = (*part_names, *(f"free {number}" for number in free))
        self.features: tuple[FeatureName, ...] = head.features

    def forward(self, images_nhwc: Tensor) -> InspectionOutputs:
        """Inspect (N, S, S, 3) uint8 RGB images."""
        patches_bnc, attention_bhn = self.look(images_nhwc)
        said = self.head(patches_bnc, attention_bhn)
        grid = (self.grid, self.grid)
        return InspectionOutputs(
            said.logits,
            attention_bhn.unflatten(-1, grid),
            said.evidence.unflatten(-1, grid),
            said.contributions,
            said.bias,
            said.outlier,
            said.outlier_parts,
        )

    def look(self, images_nhwc: Tensor) -> tuple[Tensor, Tensor]:
        """The head's inputs: chosen blocks' patch features, and the attention, float32."""
        return look(self.backbone, self.blocks, images_nhwc)


def look(backbone: Backbone, blocks: tuple[int, ...], images_nhwc: Tensor) -> tuple[Tensor, Tensor]:
    """Patch features (N, P, C) of the blocks, side by side, and attention (N, H, P); float32."""
    output = backbone(images_nhwc.permute(0, 3, 1, 2).float() / 255, blocks=blocks)
    patches_bnc = torch.cat(output.blocks_bvc, dim=-1).float()
    return patches_bnc, output.attention_logits_bhv.softmax(-1)
