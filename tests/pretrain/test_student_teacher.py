"""The self-distillation objective: what the teacher is compared with, and when its centre moves."""

import numpy as np
import torch

from span_train.losses.feature_spread import feature_spread_loss
from span_train.pretrain.student_teacher import StudentTeacher

NO_DRAWS = np.zeros((3, 16))


def two_views() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    views = [torch.rand(3, 3, 32, 32, generator=generator) for _ in range(2)]
    return views, [torch.rand(3, 2, 16, generator=generator) for _ in range(2)]


def test_the_loss_is_that_of_both_views_plus_the_weighed_spread(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    views, priors = two_views()
    with torch.no_grad():
        result = objective(views, priors, NO_DRAWS, 0.5)
        classes = [objective.backbone(view).class_bc for view in views]
        student = torch.stack([objective.projection(each) for each in classes])
        teacher = torch.stack(
            [objective.teacher_projection(objective.teacher(view).class_bc) for view in views]
        )
        expected = objective.loss(student, teacher, 0.04) + 0.1 * feature_spread_loss(classes[0])
    torch.testing.assert_close(result.loss, expected)


def test_without_its_weight_the_spread_is_left_out(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    views, priors = two_views()
    with torch.no_grad():
        with_spread = objective(views, priors, NO_DRAWS, 0.0).loss
        spread = feature_spread_loss(objective.backbone(torch.cat(views)).class_bc[:3])
        objective.spread_weight = 0.0
        without = objective(views, priors, NO_DRAWS, 0.0).loss
    torch.testing.assert_close(with_spread - without, 0.1 * spread, atol=1e-5, rtol=1e-4)


def test_attention_and_priors_come_view_by_view(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    views, priors = two_views()
    with torch.no_grad():
        result = objective(views, priors, NO_DRAWS, 0.0)
        second = objective.backbone(views[1]).attention_logits_bhv
    assert torch.equal(result.prior_bkn, torch.cat(priors))
    torch.testing.assert_close(result.attention_logits_bhn[3:], second)


def test_the_centre_moves_after_the_step_alone(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    objective(*two_views(), NO_DRAWS, 0.0)
    assert objective.loss.centre.abs().max() == 0
    objective.follow(0.5)
    assert objective.loss.centre.abs().max() > 0


def test_no_gradient_reaches_the_teacher(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    objective(*two_views(), NO_DRAWS, 0.0).loss.backward()
    frozen = [*objective.teacher.parameters(), *objective.teacher_projection.parameters()]
    assert all(parameter.grad is None for parameter in frozen)
    assert objective.backbone.vit.cls_token.grad is not None
