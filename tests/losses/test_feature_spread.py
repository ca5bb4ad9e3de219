"""The loss that keeps features apart, and the measure that tells a collapse."""

import math

import pytest
import torch

from span_train.losses.feature_spread import (
    feature_spread,
    feature_spread_loss,
    spread_of_sums,
    spread_sums,
)


def test_two_opposite_features_have_the_value_computed_by_hand() -> None:
    features_bc = torch.tensor([[3.0, 0.0], [-0.1, 0.0]])
    assert float(feature_spread_loss(features_bc)) == pytest.approx(-math.log(2.0), abs=1e-5)


def test_the_loss_looks_at_the_nearest_other_feature() -> None:
    angles = torch.tensor([0.0, 10.0, 100.0]).deg2rad()
    features_bc = torch.stack([angles.cos(), angles.sin()], dim=1)
    near, far = 2 * math.sin(math.radians(5)), 2 * math.sin(math.radians(45))
    expected = -(2 * math.log(near) + math.log(far)) / 3
    assert float(feature_spread_loss(features_bc)) == pytest.approx(expected, abs=1e-4)


def test_the_loss_pushes_near_features_apart() -> None:
    features_bc = torch.tensor([[1.0, 0.1], [1.0, -0.1]], requires_grad=True)
    feature_spread_loss(features_bc).backward()
    assert features_bc.grad is not None
    assert features_bc.grad[0, 1] < 0 < features_bc.grad[1, 1]


def test_equal_features_give_a_finite_loss_and_gradient() -> None:
    features_bc = torch.ones(4, 3, requires_grad=True)
    loss = feature_spread_loss(features_bc)
    loss.backward()
    assert float(loss.detach()) > 10
    assert features_bc.grad is not None
    assert torch.isfinite(features_bc.grad).all()


def test_one_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two images"):
        feature_spread_loss(torch.ones(1, 3))


def test_spread_is_zero_in_collapse_and_one_where_all_directions_are_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    collapsed = torch.ones(50, 64) * torch.rand(50, 1, generator=generator)
    assert float(feature_spread(collapsed)) == pytest.approx(0.0, abs=1e-6)
    isotropic = torch.randn(2000, 64, generator=generator)
    assert float(feature_spread(isotropic)) == pytest.approx(1.0, abs=0.02)


def test_spread_is_the_standard_deviation_over_unit_features() -> None:
    features_nc = torch.randn(30, 8, generator=torch.Generator().manual_seed(0)) + 2
    unit_nc = features_nc / features_nc.norm(dim=1, keepdim=True)
    expected = float(unit_nc.std(dim=0).mean()) * math.sqrt(8)
    assert float(feature_spread(features_nc)) == pytest.approx(expected, rel=1e-6)


def test_spread_of_several_batches_is_that_of_all_their_features() -> None:
    features_nc = torch.randn(30, 8, generator=torch.Generator().manual_seed(0)) + 2
    sums = sum(spread_sums(part) for part in features_nc.split(11))
    assert float(spread_of_sums(sums)) == pytest.approx(float(feature_spread(features_nc)))


def test_features_equal_up_to_rounding_have_no_spread() -> None:
    features_nc = torch.ones(500, 8) * (1 + 1e-7 * torch.arange(500)[:, None])
    assert float(feature_spread(features_nc)) < 1e-6
