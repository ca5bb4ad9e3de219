"""What a self-supervised objective offers to the training loop."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from span_train.models.backbone import Backbone


@dataclass(frozen=True)
class StepResult:
    """What one pass over a batch gives (B views, H heads, K parts, N patches or the visible ones).

    Attributes:
        loss: The objective's own loss, without the prior.
        attention_logits_bhn: The student's class-token row in each view.
        prior_bkn: The layout in the same views and patches; a zero row means "not in view".
        health: Numbers that tell whether training is well, by name.
    """

    loss: Tensor
    attention_logits_bhn: Tensor
    prior_bkn: Tensor
    health: dict[str, Tensor]


class Objective(Protocol):
    """A student with its EMA teacher; a module whose trainable parameters are the student's."""

    views: int
    teacher: Backbone

    def __call__(
        self,
        views: list[Tensor],
        priors_bkn: list[Tensor],
        uniforms: npt.NDArray[np.float64],
        progress: float,
    ) -> StepResult:
        """Run one batch.

        Args:
            views: `self.views` tensors (B, 3, S, S) in [0, 1].
            priors_bkn: The layout in each of them, (B, K, N).
            uniforms: (B, N) draws in [0, 1), keyed by image, for the objective's own randomness.
            progress: Share of the training done, in [0, 1).
        """
        ...

    def follow(self, momentum: float) -> None:
        """Move the teacher towards the student; call it after the optimiser's step."""
        ...


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """``teacher = momentum * teacher + (1 - momentum) * student``, parameter by parameter."""
    for kept, new in zip(teacher.parameters(), student.parameters(), strict=True):
        kept.lerp_(new, 1 - momentum)
