"""What a self-supervised objective offers to the training loop."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from span_train.models.backbone import Backbone
from span_train.pretrain.batches import Share


@dataclass(frozen=True)
class StepResult:
    """What one pass over some images gives (B images, H heads, N patches or the visible ones).

    Attributes:
        loss: The objective's own loss, a mean over these images, without the prior.
        attention_logits_bhn: The student's class-token row in each view that carries priors.
        class_bc: (B, C) the student's class tokens of one view, for the feature-spread term.
        features_nc: Features whose spread tells whether training is well.
        sums: Further measures by name: sums over these images, their count last.
    """

    loss: Tensor
    attention_logits_bhn: Tensor
    class_bc: Tensor
    features_nc: Tensor
    sums: dict[str, Tensor]


class Objective(Protocol):
    """A student with its EMA teacher; a module whose trainable parameters are the student's.

    Attributes:
        views: How many views of an image carry priors.
        draws: How many uniforms of its own it needs for an image.
        uniform_loss: The loss of a student that says nothing, where such a number exists.
    """

    views: int
    draws: int
    uniform_loss: float | None
    backbone: Backbone
    teacher: Backbone

    def seen_prior(self, share: Share) -> Tensor:
        """The layout (views, K, N) in the patches that the student will see; zeros: not in view."""
        ...

    def __call__(self, share: Share, progress: float) -> StepResult:
        """Run some images of a batch.

        Args:
            share: The images' views and draws.
            progress: Share of the training done, in [0, 1).
        """
        ...

    def measures(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Single numbers for health, by name, from `StepResult.sums` over the whole batch."""
        ...

    def follow(self, momentum: float, sums: dict[str, Tensor]) -> None:
        """Move the teacher towards the student; call it after the optimiser's step.

        Args:
            momentum: Share of the teacher that stays.
            sums: What `StepResult.sums` were over the whole batch.
        """
        ...


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """``teacher = momentum * teacher + (1 - momentum) * student``, all parameters at once."""
    kept, new = ([p.detach() for p in one.parameters()] for one in (teacher, student))
    torch._foreach_lerp_(kept, new, 1 - momentum)
