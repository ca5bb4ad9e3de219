"""The self-distillation objective: what the teacher is compared with, and when its centre moves."""

import pytest
import torch

from span_train.models.local_views import local_class_tokens
from span_train.pretrain.batches import Share
from span_train.pretrain.student_teacher import StudentTeacher


def seen(local_views: int = 0) -> Share:
    generator = torch.Generator().manual_seed(0)
    sides = [32, 32] + [16] * local_views
    views = [torch.rand(3, 3, side, side, generator=generator) for side in sides]
    priors = [torch.rand(3, 2, 16, generator=generator) for _ in range(2)]
    return Share(slice(0, 3), views, priors, torch.zeros(3, 0))


@torch.no_grad()
def said(objective: StudentTeacher, share: Share) -> tuple[torch.Tensor, torch.Tensor]:
    """What student and teacher say of each view, one by one."""
    student = [objective.backbone(view).class_bc for view in share.views[:2]]
    student += [local_class_tokens(objective.backbone, view) for view in share.views[2:]]
    teacher = [objective.teacher(view).class_bc for view in share.views[:2]]
    return (
        torch.stack([objective.projection(each) for each in student]),
        torch.stack([objective.teacher_projection(each) for each in teacher]),
    )


@pytest.mark.parametrize("local_views", [0, 3])
def test_the_student_sees_all_views_and_the_teacher_the_global_ones(
    local_views: int, make_loop
) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    share = seen(local_views)
    student_vbo, teacher_ubo = said(objective, share)
    assert len(student_vbo) == 2 + local_views
    assert len(teacher_ubo) == 2
    expected = objective.loss(student_vbo, teacher_ubo, 0.04)
    torch.testing.assert_close(objective(share, 0.5).loss, expected)


def test_the_loss_pairs_every_view_with_every_other_global_one(make_loop) -> None:
    """Both global views answer for each other, local ones for both; none for itself."""
    objective: StudentTeacher = make_loop("dino").objective
    share = seen(local_views=1)
    student_vbo, teacher_ubo = said(objective, share)
    says = objective.loss.teacher_says(teacher_ubo, 0.04)
    guess = (student_vbo / 0.1).log_softmax(-1)
    pairs = [(0, 1), (1, 0), (0, 2), (1, 2)]  # teacher's view, student's view
    expected = sum(-(says[u] * guess[v]).sum(-1).mean() for u, v in pairs) / 4
    torch.testing.assert_close(objective(share, 0.0).loss.detach(), expected)


def test_attention_and_priors_come_view_by_view_and_leave_local_views_out(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    share = seen(local_views=2)
    with torch.no_grad():
        result = objective(share, 0.0)
        second = objective.backbone(share.views[1]).attention_logits_bhv
    assert torch.equal(objective.seen_prior(share), torch.cat(share.priors_bkn))
    assert result.attention_logits_bhn.shape[0] == 6
    torch.testing.assert_close(result.attention_logits_bhn[3:], second)


def test_the_feature_spread_is_that_of_the_first_view(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    share = seen()
    with torch.no_grad():
        result = objective(share, 0.0)
        first = objective.backbone(share.views[0]).class_bc
    torch.testing.assert_close(result.class_bc, first)


def test_sums_hold_the_teachers_outputs_and_entropy(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    share = seen()
    _, teacher_ubo = said(objective, share)
    sums = objective(share, 0.0).sums
    outputs = sums["teacher_output"]
    assert outputs[-1] == 6
    mean_o = teacher_ubo.mean(dim=(0, 1)).double()
    torch.testing.assert_close(outputs[:-1] / outputs[-1], mean_o, atol=1e-6, rtol=0)
    says = objective.loss.teacher_says(teacher_ubo, 0.04)
    entropy = -(says * says.clamp(min=1e-12).log()).sum(-1).mean()
    assert float(sums["teacher_entropy"][0] / 6) == pytest.approx(float(entropy), rel=1e-5)


def test_the_centre_moves_after_the_step_alone_and_towards_the_whole_batchs_mean(
    make_loop,
) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    sums = objective(seen(), 0.0).sums
    assert objective.loss.centre.abs().max() == 0
    objective.follow(0.5, sums)
    expected = 0.1 * (sums["teacher_output"][:-1] / 6).float()
    torch.testing.assert_close(objective.loss.centre, expected)


def test_no_gradient_reaches_the_teacher(make_loop) -> None:
    objective: StudentTeacher = make_loop("dino").objective
    objective(seen(local_views=1), 0.0).loss.backward()
    frozen = [*objective.teacher.parameters(), *objective.teacher_projection.parameters()]
    assert all(parameter.grad is None for parameter in frozen)
    assert objective.backbone.vit.cls_token.grad is not None
