"""The masked objective: patches are cut where they lie, and priors count what is visible alone."""

import torch

from span_train.pretrain.batches import Share
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder, patch_pixels, visible_prior


def test_patches_are_cut_row_by_row() -> None:
    images_bchw = torch.rand(2, 3, 8, 8)
    patches_bnd = patch_pixels(images_bchw, 4)
    assert patches_bnd.shape == (2, 4, 48)
    for number in range(4):
        row, column = divmod(number, 2)
        patch = images_bchw[1, :, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
        assert torch.equal(patches_bnd[1, number], patch.permute(1, 2, 0).flatten())


def test_a_prior_is_read_at_the_visible_patches_in_their_order() -> None:
    prior_bkn = torch.arange(8.0).reshape(1, 2, 4)
    found = visible_prior(prior_bkn, torch.tensor([[3, 0]]))
    assert found.tolist() == [[[3.0, 0.0], [7.0, 4.0]]]


def test_a_part_with_less_than_a_visible_patch_is_out_of_view() -> None:
    prior_bkn = torch.tensor([[[0.6, 0.3, 1.0, 0.0], [0.6, 0.5, 0.0, 0.0]]])
    found = visible_prior(prior_bkn, torch.tensor([[0, 1]]))
    assert found[0, 0].tolist() == [0.0, 0.0]
    assert found[0, 1].sum() > 1.0


def test_the_patches_with_the_lowest_draws_stay_visible(
    make_loop,
) -> None:
    objective: MaskedAutoencoder = make_loop().objective
    draws = torch.linspace(1, 0, 16, dtype=torch.float64)[None]
    priors_bkn = torch.ones(1, 2, 16) * torch.arange(16.0)
    share = Share(slice(0, 1), [torch.rand(1, 3, 32, 32)], [priors_bkn], draws)
    assert objective.seen_prior(share)[0, 0].tolist() == [float(n) for n in range(15, 7, -1)]
    assert objective(share, 0.0).attention_logits_bhn.shape == (1, 4, 8)


def test_hidden_patches_are_what_is_guessed(make_loop) -> None:
    objective: MaskedAutoencoder = make_loop().objective
    draws = torch.linspace(0, 1, 16, dtype=torch.float64)[None]
    image = torch.rand(1, 3, 32, 32)
    dark_below = image.clone()
    dark_below[:, :, 16:] *= torch.linspace(0, 1, 32)
    with torch.no_grad():
        first, second = (
            objective(Share(slice(0, 1), [view], [torch.ones(1, 2, 16)], draws), 0.0)
            for view in (image, dark_below)
        )
    assert torch.equal(first.attention_logits_bhn, second.attention_logits_bhn)
    assert float(first.loss) != float(second.loss)
