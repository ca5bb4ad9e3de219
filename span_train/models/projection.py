"""The small network behind the class token that self-distillation compares.

Letters: B images, C width, O outputs.
"""

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm


class Projection(nn.Module):
    """DINO's head: three layers, a unit-length bottleneck, a weight-normalised last layer."""

    def __init__(self, width: int, hidden: int, bottleneck: int, outputs: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, bottleneck),
        )
        self.prototypes = weight_norm(nn.Linear(bottleneck, outputs, bias=False))
        magnitude = self.prototypes.parametrizations.weight.original0
        magnitude.data.fill_(1.0)
        magnitude.requires_grad_(False)

    def forward(self, class_bc: Tensor) -> Tensor:
        """(B, C) class tokens to (B, O) outputs."""
        outputs: Tensor = self.prototypes(functional.normalize(self.mlp(class_bc), dim=-1))
        return outputs
