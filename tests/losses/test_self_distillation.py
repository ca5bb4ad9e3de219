"""The cross-view loss against a slow loop, and the centre that moves on its own call."""

import math

import pytest
import torch

from span_train.losses.self_distillation import SelfDistillationLoss


def slow_loss(
    student: torch.Tensor, teacher: torch.Tensor, centre: torch.Tensor, hot: float, cold: float
) -> float:
    """The formula of the paper, one number at a time."""
    terms = []
    for u in range(len(teacher)):
        for v in range(len(student)):
            if u == v:
                continue
            for b in range(student.shape[1]):
                raised = [
                    math.exp((float(t) - float(c)) / cold)
                    for t, c in zip(teacher[u, b], centre, strict=True)
                ]
                guessed = [math.exp(float(s) / hot) for s in student[v, b]]
                terms.append(
                    -sum(
                        r / sum(raised) * math.log(g / sum(guessed))
                        for r, g in zip(raised, guessed, strict=True)
                    )
                )
    return sum(terms) / len(terms)


def test_it_equals_a_slow_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    student_vbo = torch.randn(3, 4, 5, generator=generator)
    teacher_vbo = torch.randn(2, 4, 5, generator=generator)
    loss = SelfDistillationLoss(5, student_temperature=0.5, centre_momentum=0.9)
    loss.update_centre(torch.randn(5, generator=generator))
    expected = slow_loss(student_vbo, teacher_vbo, loss.centre, 0.5, 0.2)
    assert float(loss(student_vbo, teacher_vbo, 0.2)) == pytest.approx(expected, abs=1e-6)


def test_a_student_and_teacher_that_say_nothing_cost_ln_of_the_outputs() -> None:
    loss = SelfDistillationLoss(8, 0.1, 0.9)
    nothing = torch.zeros(2, 3, 8)
    assert float(loss(nothing, nothing, 0.04)) == pytest.approx(math.log(8))


def test_the_same_view_is_never_compared_with_itself() -> None:
    loss = SelfDistillationLoss(4, 1.0, 0.9)
    student_vbo = torch.zeros(2, 1, 4, requires_grad=True)
    teacher_vbo = torch.zeros(1, 1, 4)
    teacher_vbo[..., 0] = 5.0
    loss(student_vbo, teacher_vbo, 1.0).backward()
    assert student_vbo.grad is not None
    assert student_vbo.grad[0].abs().max() == 0
    assert student_vbo.grad[1].abs().max() > 0


def test_no_gradient_reaches_the_teacher() -> None:
    loss = SelfDistillationLoss(4, 0.1, 0.9)
    student_vbo = torch.randn(2, 3, 4, requires_grad=True)
    teacher_vbo = torch.randn(2, 3, 4, requires_grad=True)
    loss(student_vbo, teacher_vbo, 0.04).backward()
    assert teacher_vbo.grad is None
    assert student_vbo.grad is not None
    assert torch.isfinite(student_vbo.grad).all()


def test_the_centre_moves_only_when_told_to_and_towards_the_mean() -> None:
    loss = SelfDistillationLoss(2, 0.1, centre_momentum=0.75)
    teacher_vbo = torch.tensor([[[1.0, 0.0], [3.0, 0.0]], [[4.0, 0.0], [0.0, 8.0]]])
    loss(teacher_vbo, teacher_vbo, 0.04)
    assert loss.centre.tolist() == [0.0, 0.0]
    loss.update_centre(teacher_vbo.mean(dim=(0, 1)))
    torch.testing.assert_close(loss.centre, torch.tensor([0.5, 0.5]))


def test_a_single_view_is_refused() -> None:
    one = torch.zeros(1, 3, 4)
    with pytest.raises(ValueError, match="at least two views"):
        SelfDistillationLoss(4, 0.1, 0.9)(one, one, 0.04)
