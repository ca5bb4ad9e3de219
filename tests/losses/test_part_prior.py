"""The regulariser: its values and gradients by hand, and what it must leave alone."""

import math
from typing import get_args

import pytest
import torch

from span_train.losses.part_prior import (
    PartPriorLoss,
    PriorKind,
    parts_in_view,
    smoothed_prior,
)

KINDS: tuple[PriorKind, ...] = get_args(PriorKind)


def random_case(parts: int = 2, heads: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits_bhn = torch.randn(3, heads, 9, generator=generator).requires_grad_()
    prior_bkn = torch.rand(3, parts, 9, generator=generator)
    return logits_bhn, prior_bkn


def test_coverage_has_the_value_computed_by_hand() -> None:
    logits_bhn = torch.zeros(1, 3, 2)
    prior_bkn = torch.tensor([[[1.0, 0.0]]])  # eps 0.5: the target is 3/4, 1/4
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(PartPriorLoss("coverage", 0.5)(logits_bhn, prior_bkn)) == pytest.approx(expected)


def test_focus_has_the_value_computed_by_hand() -> None:
    logits_bhn = torch.tensor([0.0, 0.0, math.log(2.0)]).expand(1, 3, 3)  # a = 1/4, 1/4, 1/2
    prior_bkn = torch.tensor([[[4.0, 2.0, 0.0]]])  # scaled to 1, 1/2, 0
    expected = -math.log(1 / 4 + 1 / 2 * 1 / 4)
    found = float(PartPriorLoss("focus")(logits_bhn, prior_bkn))
    assert found == pytest.approx(expected, abs=1e-5)


def test_sum_mse_has_the_value_computed_by_hand() -> None:
    logits_bhn = torch.tensor([0.0, 0.0, math.log(2.0)]).expand(1, 3, 3)  # a = 1/4, 1/4, 1/2
    prior_bkn = torch.tensor([[[2.0, 0.0, 0.0]]])  # eps 0.3: the target is 0.8, 0.1, 0.1
    expected = (0.25 - 0.8) ** 2 + (0.25 - 0.1) ** 2 + (0.5 - 0.1) ** 2
    assert float(PartPriorLoss("sum_mse", 0.3)(logits_bhn, prior_bkn)) == pytest.approx(expected)


def test_cosine_has_the_value_computed_by_hand() -> None:
    logits_bhn = torch.tensor([0.0, 0.0, math.log(2.0)]).expand(1, 3, 3)  # a = 1/4, 1/4, 1/2
    prior_bkn = torch.tensor([[[2.0, 0.0, 0.0]]])  # eps 0.3: the target is 0.8, 0.1, 0.1
    product = 0.25 * 0.8 + 0.25 * 0.1 + 0.5 * 0.1
    lengths = math.sqrt(2 * 0.25**2 + 0.5**2) * math.sqrt(0.8**2 + 2 * 0.1**2)
    found = float(PartPriorLoss("cosine", 0.3)(logits_bhn, prior_bkn))
    assert found == pytest.approx(1 - product / lengths)


@pytest.mark.parametrize("kind", ["sum_mse", "cosine"])
def test_the_ablations_are_zero_where_attention_is_the_prior(kind: PriorKind) -> None:
    _, prior_bkn = random_case()
    target_bkn = smoothed_prior(prior_bkn, 0.05)
    logits_bhn = torch.cat([target_bkn.log(), torch.zeros(3, 2, 9)], dim=1)
    assert float(PartPriorLoss(kind, 0.05)(logits_bhn, prior_bkn)) == pytest.approx(0, abs=1e-6)


def test_focus_is_content_with_one_spot_inside_the_part_and_coverage_is_not() -> None:
    logits_bhn = torch.zeros(1, 3, 8)
    logits_bhn[..., 0] = 30.0
    prior_bkn = torch.zeros(1, 1, 8)
    prior_bkn[..., :4] = 1.0
    assert float(PartPriorLoss("focus")(logits_bhn, prior_bkn)) == pytest.approx(0.0, abs=1e-6)
    assert float(PartPriorLoss("coverage")(logits_bhn, prior_bkn)) > 1.0


def test_coverage_of_the_prior_itself_is_zero() -> None:
    _, prior_bkn = random_case()
    target_bkn = smoothed_prior(prior_bkn, 0.05)
    logits_bhn = torch.cat([target_bkn.log(), torch.zeros(3, 2, 9)], dim=1)
    assert float(PartPriorLoss("coverage", 0.05)(logits_bhn, prior_bkn)) == pytest.approx(
        0.0, abs=1e-6
    )


def test_the_gradient_of_coverage_is_attention_minus_prior() -> None:
    logits_bhn, prior_bkn = random_case()
    PartPriorLoss("coverage", 0.05)(logits_bhn, prior_bkn).backward()
    attention_bkn = logits_bhn.detach()[:, :2].softmax(-1)
    expected = (attention_bkn - smoothed_prior(prior_bkn, 0.05)) / 6
    assert logits_bhn.grad is not None
    torch.testing.assert_close(logits_bhn.grad[:, :2], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_free_heads_get_no_gradient(kind: PriorKind) -> None:
    logits_bhn, prior_bkn = random_case()
    PartPriorLoss(kind)(logits_bhn, prior_bkn).backward()
    assert logits_bhn.grad is not None
    assert logits_bhn.grad[:, 2:].abs().max() == 0
    assert (logits_bhn.grad[:, :2].abs().sum(-1) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_out_of_view_gives_no_gradient_and_does_not_count(kind: PriorKind) -> None:
    logits_bhn, prior_bkn = random_case()
    prior_bkn[0, 1] = 0.0
    loss = PartPriorLoss(kind)(logits_bhn, prior_bkn)
    loss.backward()
    assert logits_bhn.grad is not None
    assert logits_bhn.grad[0, 1].abs().max() == 0
    apart = logits_bhn.detach()
    one_by_one = [
        float(PartPriorLoss(kind)(apart[b : b + 1, k:], prior_bkn[b : b + 1, k : k + 1]))
        for b in range(3)
        for k in range(2)
        if (b, k) != (0, 1)
    ]
    assert float(loss.detach()) == pytest.approx(sum(one_by_one) / 5, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_totals_of_parts_of_a_batch_give_the_mean_of_all_of_it(kind: PriorKind) -> None:
    logits_bhn, prior_bkn = (tensor.detach() for tensor in random_case())
    prior_bkn[0] = 0.0
    loss = PartPriorLoss(kind)
    parts = [slice(0, 1), slice(1, 3)]
    total = sum(float(loss.total(logits_bhn[part], prior_bkn[part])) for part in parts)
    in_view = sum(int(parts_in_view(prior_bkn[part]).sum()) for part in parts)
    assert in_view == 4
    assert float(loss(logits_bhn, prior_bkn)) == pytest.approx(total / in_view, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_with_no_part_in_view_the_loss_is_zero_and_its_gradient_finite(kind: PriorKind) -> None:
    logits_bhn, prior_bkn = random_case()
    loss = PartPriorLoss(kind)(logits_bhn, torch.zeros_like(prior_bkn))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert logits_bhn.grad is not None
    assert logits_bhn.grad.abs().max() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_scale_of_the_prior_does_not_matter(kind: PriorKind) -> None:
    logits_bhn, prior_bkn = (tensor.detach() for tensor in random_case())
    loss = PartPriorLoss(kind)
    assert float(loss(logits_bhn, prior_bkn)) == pytest.approx(
        float(loss(logits_bhn, prior_bkn * 37)), abs=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_logits_give_a_finite_loss_and_bounded_gradient(kind: PriorKind) -> None:
    _, prior_bkn = random_case()
    prior_bkn[:, :, :8] = 0.0
    logits_bhn = torch.full((3, 4, 9), -1e4)
    logits_bhn[..., 0] = 1e4
    logits_bhn.requires_grad_()
    loss = PartPriorLoss(kind)(logits_bhn, prior_bkn)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits_bhn.grad is not None
    assert logits_bhn.grad.abs().max() <= 1.0


def test_fewer_than_two_free_heads_are_refused() -> None:
    logits_bhn, prior_bkn = random_case(parts=3)
    with pytest.raises(ValueError, match="3 parts on 4 heads leave fewer than two heads free"):
        PartPriorLoss()(logits_bhn, prior_bkn)


@pytest.mark.parametrize("eps", [0.0, 1.0, -0.1, 1.5])
def test_an_eps_outside_zero_and_one_is_refused(eps: float) -> None:
    with pytest.raises(ValueError, match=f"eps must lie between 0 and 1, found {eps}"):
        PartPriorLoss(eps=eps)


def test_a_smoothed_prior_sums_to_one_and_leaves_nothing_at_zero() -> None:
    prior_bkn = torch.tensor([[[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    smoothed = smoothed_prior(prior_bkn, 0.2)
    torch.testing.assert_close(smoothed[0, 0], torch.tensor([0.65, 0.25, 0.05, 0.05]))
    torch.testing.assert_close(smoothed[0, 1], torch.full((4,), 0.25))
