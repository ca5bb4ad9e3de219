"""The decoder of the masked objective: it knows places, not the order in which patches come."""

import torch

from span_train.models.pixel_decoder import PixelDecoder


def test_guesses_belong_to_places_whatever_their_order() -> None:
    torch.manual_seed(0)
    decoder = PixelDecoder(12, patches=6, patch_px=2, width=16, depth=1, heads=2)
    class_bc, visible_bvc = torch.randn(1, 12), torch.randn(1, 2, 12)
    visible_bv, hidden_bm = torch.tensor([[4, 1]]), torch.tensor([[0, 5, 3, 2]])
    with torch.no_grad():
        guess = decoder(class_bc, visible_bvc, visible_bv, hidden_bm)
        turned = decoder(class_bc, visible_bvc.flip(1), visible_bv.flip(1), hidden_bm.flip(1))
    assert guess.shape == (1, 4, 12)
    torch.testing.assert_close(guess, turned.flip(1), atol=1e-5, rtol=1e-5)
    assert (guess[0, 0] - guess[0, 1]).abs().max() > 1e-3
