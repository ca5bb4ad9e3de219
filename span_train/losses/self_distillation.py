"""Make a student predict, in one view, what its slowly moving teacher said of another.

Letters: B images, V views, O outputs of the projection.
"""

import torch
from torch import Tensor, nn


class SelfDistillationLoss(nn.Module):
    """DINO's cross-view cross-entropy with centring (Caron et al., arXiv 2104.14294, section 3.1).

    ``mean over v != u of -sum_o says[u, o] log softmax(student[v] / T_s)[o]``, where
    ``says[u] = softmax((teacher[u] - centre) / T_t)``.

    The centre is updated by a visible second call, `update_centre`.
    """

    centre: Tensor

    def __init__(self, outputs: int, student_temperature: float, centre_momentum: float) -> None:
        super().__init__()
        self.student_temperature = student_temperature
        self.centre_momentum = centre_momentum
        self.register_buffer("centre", torch.zeros(outputs))

    def forward(
        self, student_vbo: Tensor, teacher_vbo: Tensor, teacher_temperature: float
    ) -> Tensor:
        """Scalar loss over all pairs of different views.

        Args:
            student_vbo: (V, B, O) student outputs.
            teacher_vbo: (U, B, O) teacher outputs of the first U views; no gradient flows there.
            teacher_temperature: Sharpening of the teacher at this step.

        Raises:
            ValueError: There is no pair of different views.
        """
        views, targets = student_vbo.shape[0], teacher_vbo.shape[0]
        pairs = [(u, v) for u in range(targets) for v in range(views) if u != v]
        if not pairs:
            raise ValueError("self-distillation needs at least two views")
        says = self.teacher_says(teacher_vbo, teacher_temperature)
        log_guess = (student_vbo.float() / self.student_temperature).log_softmax(-1)
        terms = [-(says[u] * log_guess[v]).sum(-1).mean() for u, v in pairs]
        return torch.stack(terms).mean()

    def teacher_says(self, teacher_vbo: Tensor, temperature: float) -> Tensor:
        """The teacher's centred and sharpened distribution, same shape, without gradient."""
        return ((teacher_vbo.detach().float() - self.centre) / temperature).softmax(-1)

    @torch.no_grad()
    def update_centre(self, mean_o: Tensor) -> None:
        """Move the centre towards the mean (O,) of all teacher outputs of a batch."""
        self.centre.lerp_(mean_o.to(self.centre.dtype), 1 - self.centre_momentum)
