"""The self-distillation objective: a student learns what its averaged teacher says of another view.

Letters: B images, V views, N patches, K parts, O outputs.
"""

import copy
import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from span_train.losses.feature_spread import feature_spread, feature_spread_loss
from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.backbone import Backbone
from span_train.models.projection import Projection
from span_train.pretrain.objective import StepResult, follow


class StudentTeacher(nn.Module):
    """DINO over two global views, with an optional feature-spread term (KoLeo)."""

    views = 2

    def __init__(
        self,
        backbone: Backbone,
        projection: Projection,
        loss: SelfDistillationLoss,
        *,
        teacher_temperatures: tuple[float, float],
        spread_weight: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = projection
        self.loss = loss
        self.teacher_temperatures = teacher_temperatures
        self.spread_weight = spread_weight
        self.teacher = copy.deepcopy(backbone).requires_grad_(False)
        self.teacher_projection = copy.deepcopy(projection).requires_grad_(False)

    def forward(
        self,
        views: list[Tensor],
        priors_bkn: list[Tensor],
        uniforms: npt.NDArray[np.float64],
        progress: float,
    ) -> StepResult:
        """One batch; see `Objective`. Needs no randomness of its own."""
        together = torch.cat(views)
        output = self.backbone(together)
        student_vbo = self.projection(output.class_bc).unflatten(0, (len(views), -1))
        with torch.no_grad():
            teacher_bo = self.teacher_projection(self.teacher(together).class_bc)
        teacher_vbo = teacher_bo.unflatten(0, (len(views), -1))
        temperature = self._temperature(progress)
        loss = self.loss(student_vbo, teacher_vbo, temperature)
        says = self.loss.teacher_says(teacher_vbo, temperature)
        health = {
            "feature_spread": feature_spread(output.class_bc.detach()),
            "teacher_entropy": -(says * says.clamp(min=1e-12).log()).sum(-1).mean(),
            "uniform_loss": torch.tensor(math.log(student_vbo.shape[-1])),
        }
        if self.spread_weight > 0:
            first_view = output.class_bc.unflatten(0, (len(views), -1))[0]
            loss = loss + self.spread_weight * feature_spread_loss(first_view)
        self._seen_vbo = teacher_vbo
        return StepResult(loss, output.attention_logits_bhv, torch.cat(priors_bkn), health)

    def follow(self, momentum: float) -> None:
        """Move teacher and centre; the centre takes the outputs of the last batch."""
        follow(self.teacher, self.backbone, momentum)
        follow(self.teacher_projection, self.projection, momentum)
        self.loss.update_centre(self._seen_vbo)

    def _temperature(self, progress: float) -> float:
        start, end = self.teacher_temperatures
        return start + (end - start) * min(progress / 0.3, 1.0)
