"""Features are compared patch by patch, whatever their scale."""

import pytest
import torch

from span_train.losses.steady_features import steady_features_loss


def by_hand(features: torch.Tensor, kept: torch.Tensor) -> float:
    total, count = 0.0, 0
    for image in range(len(features)):
        for patch in range(features.shape[1]):
            own, other = features[image, patch].double(), kept[image, patch].double()
            own = (own - own.mean()) / (own.var(unbiased=False) + 1e-5).sqrt()
            other = (other - other.mean()) / (other.var(unbiased=False) + 1e-5).sqrt()
            total += float(((own - other) ** 2).sum())
            count += len(own)
    return total / count


def test_it_is_the_mean_square_of_differences_after_each_patch_is_normed() -> None:
    random = torch.Generator().manual_seed(0)
    features, kept = (torch.randn(2, 5, 8, generator=random) for _ in range(2))
    assert float(steady_features_loss(features, kept)) == pytest.approx(by_hand(features, kept))


def test_two_numbers_by_hand() -> None:
    features, kept = torch.tensor([[[1.0, -1.0]]]), torch.tensor([[[-3.0, 3.0]]])
    assert float(steady_features_loss(features, kept)) == pytest.approx(4.0, abs=1e-3)


def test_scale_and_offset_of_a_patch_do_not_count() -> None:
    features = torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(1))
    assert float(steady_features_loss(5 * features + 2, features)) < 1e-4


def test_only_the_network_that_learns_gets_a_gradient() -> None:
    features = torch.randn(1, 2, 4, requires_grad=True)
    kept = torch.randn(1, 2, 4, requires_grad=True)
    steady_features_loss(features, kept).backward()
    assert torch.isfinite(features.grad).all()
    assert features.grad.abs().sum() > 0
    assert kept.grad is None


def test_a_flat_patch_has_a_finite_loss_and_gradient() -> None:
    features = torch.zeros(1, 1, 4, requires_grad=True)
    loss = steady_features_loss(features, torch.ones(1, 1, 4))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert torch.isfinite(features.grad).all()


def test_it_is_taken_in_32_bits_under_autocast() -> None:
    features, kept = torch.randn(1, 4, 32), torch.randn(1, 4, 32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = steady_features_loss(features, kept)
    assert loss.dtype == torch.float32
    assert float(loss) == float(steady_features_loss(features, kept))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2, 4\] and kept ones \[1, 3, 4\] differ"):
        steady_features_loss(torch.zeros(1, 2, 4), torch.zeros(1, 3, 4))
