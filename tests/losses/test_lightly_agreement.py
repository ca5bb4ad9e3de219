"""Without SPAN the self-distillation objective is DINO as an independent implementation has it."""

import warnings

import pytest
import torch

from span_train.losses.self_distillation import SelfDistillationLoss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that only the other implementation needs
    lightly_loss = pytest.importorskip("lightly.loss")


@pytest.mark.parametrize("views", [2, 5])
def test_loss_gradient_and_centre_are_those_of_lightly(views: int) -> None:
    outputs, images = 64, 6
    theirs = lightly_loss.DINOLoss(
        output_dim=outputs,
        warmup_teacher_temp=0.04,
        teacher_temp=0.04,
        warmup_teacher_temp_epochs=1,
        student_temp=0.1,
        center_momentum=0.9,
    )
    ours = SelfDistillationLoss(outputs, student_temperature=0.1, centre_momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):  # the centre moves from step to step
        student, teacher = (  # as the projection gives them, between -1 and 1
            2 * torch.rand(count, images, outputs, generator=generator) - 1 for count in (views, 2)
        )
        student.requires_grad_()
        expected = theirs(list(teacher), list(student), epoch=0)
        (expected_slope,) = torch.autograd.grad(expected, student)
        found = ours(student, teacher, 0.04)
        (slope,) = torch.autograd.grad(found, student)
        ours.update_centre(teacher.mean(dim=(0, 1)))
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
        torch.testing.assert_close(slope, expected_slope, atol=1e-6, rtol=1e-5)
        centre = theirs.center.value if hasattr(theirs.center, "value") else theirs.center
        torch.testing.assert_close(ours.centre, centre.flatten(), atol=1e-6, rtol=1e-5)
