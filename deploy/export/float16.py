"""Halve the numbers inside the network's blocks, for a GPU; scores and evidence stay in float32."""

import copy

import torch
from torch import Tensor, nn

from span_train.models.inspection_model import InspectionModel


def in_float16(model: InspectionModel) -> InspectionModel:
    """A copy of a network whose blocks compute in float16.

    The patches' embedding, the attention shown (its products and softmax), the deviations, their
    sums and the logits stay in float32: after the blocks nothing is rounded.
    """
    halved = copy.deepcopy(model)
    vit = halved.backbone.vit
    vit.blocks.half()
    vit.norm_pre = nn.Sequential(vit.norm_pre, _To(torch.float16))
    vit.norm = nn.Sequential(_To(torch.float32), vit.norm)
    return halved.eval()


class _To(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, tokens_btc: Tensor) -> Tensor:
        return tokens_btc.to(self.dtype)
