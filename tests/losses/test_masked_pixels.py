"""The loss of guessed pixels, against values computed by hand."""

import pytest
import torch

from span_train.losses.masked_pixels import masked_pixel_loss


def test_the_value_is_the_one_computed_by_hand() -> None:
    pixels_bmd = torch.tensor([[[0.0, 1.0]]])  # mean 1/2, variance 1/2
    target = 0.5 / (0.5 + 1e-4) ** 0.5
    found = float(masked_pixel_loss(torch.zeros(1, 1, 2), pixels_bmd))
    assert found == pytest.approx(target**2)


def test_a_perfect_guess_costs_nothing() -> None:
    pixels_bmd = torch.rand(2, 3, 12, generator=torch.Generator().manual_seed(0))
    variance, mean = torch.var_mean(pixels_bmd, dim=-1, keepdim=True)
    guess_bmd = (pixels_bmd - mean) / (variance + 1e-4).sqrt()
    assert float(masked_pixel_loss(guess_bmd, pixels_bmd)) == pytest.approx(0.0, abs=1e-12)


def test_brightness_of_a_patch_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels_bmd = torch.rand(2, 3, 12, generator=generator)
    guess_bmd = torch.randn(2, 3, 12, generator=generator)
    torch.testing.assert_close(
        masked_pixel_loss(guess_bmd, pixels_bmd), masked_pixel_loss(guess_bmd, pixels_bmd + 0.25)
    )


def test_a_flat_patch_gives_a_finite_gradient() -> None:
    guess_bmd = torch.ones(1, 2, 12, requires_grad=True)
    loss = masked_pixel_loss(guess_bmd, torch.full((1, 2, 12), 0.3))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1.0, abs=1e-4)
    assert guess_bmd.grad is not None
    assert torch.isfinite(guess_bmd.grad).all()
