"""The self-distillation objective: a student learns what its averaged teacher says of another view.

Letters: B images, V views, U global views, N patches, K parts, C width, O outputs.
"""

import copy
import math

import torch
from torch import Tensor, nn

from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.backbone import Backbone
from span_train.models.local_views import local_class_tokens
from span_train.models.projection import Projection
from span_train.pretrain.batches import Share
from span_train.pretrain.objective import StepResult, follow
from span_train.pretrain.totals import mean_of

_OUTPUT, _SAYS, _ENTROPY = "teacher_output", "teacher_says", "teacher_entropy"


class StudentTeacher(nn.Module):
    """DINO: the teacher sees two global views, the student these and any smaller local ones."""

    views: int = 2
    draws: int = 0

    def __init__(
        self,
        backbone: Backbone,
        projection: Projection,
        loss: SelfDistillationLoss,
        *,
        teacher_temperatures: tuple[float, float],
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = projection
        self.loss = loss
        self.teacher_temperatures = teacher_temperatures
        self.uniform_loss: float | None = math.log(len(loss.centre))
        self.teacher = copy.deepcopy(backbone).requires_grad_(False)
        self.teacher_projection = copy.deepcopy(projection).requires_grad_(False)

    def seen_prior(self, share: Share) -> Tensor:
        """The priors of both global views; see `Objective`."""
        return torch.cat(share.priors_bkn)

    def forward(self, share: Share, progress: float) -> StepResult:
        """Some images; see `Objective`. Needs no randomness of its own."""
        global_views = torch.cat(share.views[: self.views])
        output = self.backbone(global_views)
        class_bc = [output.class_bc]
        if len(share.views) > self.views:
            local_views = torch.cat(share.views[self.views :])
            class_bc.append(local_class_tokens(self.backbone, local_views))
        student_vbo = self.projection(torch.cat(class_bc)).unflatten(0, (len(share.views), -1))
        with torch.no_grad():
            teacher_bo = self.teacher_projection(self.teacher(global_views).class_bc)
        teacher_ubo = teacher_bo.unflatten(0, (self.views, -1))
        temperature = self._temperature(progress)
        return StepResult(
            self.loss(student_vbo, teacher_ubo, temperature),
            output.attention_logits_bhv,
            output.class_bc.unflatten(0, (self.views, -1))[0],
            output.class_bc.detach(),
            self._sums(teacher_ubo, temperature),
        )

    def follow(self, momentum: float, sums: dict[str, Tensor]) -> None:
        """Move teacher and centre; the centre takes the outputs of the whole batch."""
        follow(self.teacher, self.backbone, momentum)
        follow(self.teacher_projection, self.projection, momentum)
        self.loss.update_centre(mean_of(sums[_OUTPUT]))

    def measures(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """How sharp the teacher is, and how much it tells about which image it sees, in nats."""
        entropy, often_o = mean_of(sums[_ENTROPY])[0], mean_of(sums[_SAYS])
        information = -(often_o * often_o.clamp(min=1e-12).log()).sum() - entropy
        return {_ENTROPY: entropy, "teacher_information": information}

    def _sums(self, teacher_ubo: Tensor, temperature: float) -> dict[str, Tensor]:
        says = self.loss.teacher_says(teacher_ubo, temperature)
        entropy = -(says * says.clamp(min=1e-12).log()).sum()
        outputs_o, says_o = (one.double().sum(dim=(0, 1)) for one in (teacher_ubo, says))
        count = outputs_o.new_tensor([teacher_ubo.shape[0] * teacher_ubo.shape[1]])
        return {
            _OUTPUT: torch.cat([outputs_o, count]),
            _SAYS: torch.cat([says_o, count]),
            _ENTROPY: torch.cat([entropy.double()[None], count]),
        }

    def _temperature(self, progress: float) -> float:
        start, end = self.teacher_temperatures
        return start + (end - start) * min(progress / 0.3, 1.0)
