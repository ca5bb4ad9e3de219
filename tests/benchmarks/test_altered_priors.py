"""Each control spoils the priors in just the way that its name says."""

import numpy as np
import pytest
import torch
from altered_priors import AlteredMasks, altered, not_cropped_along, shifted, shuffled

from span_train.data.part_masks import PartMasks, view_priors
from span_train.data.view_geometry import ViewGeometry
from span_train.pretrain import batches, run

IMAGES = np.arange(40)


def parts(side: int = 16, count: int = 3) -> torch.Tensor:
    """(1, K, S, S): part k fills a square of its own."""
    masks = torch.zeros(1, count, side, side)
    for k in range(count):
        masks[0, k, 2 * k : 2 * k + 2, 4:8] = 1.0
    return masks


def test_shifted_parts_lie_a_quarter_further_and_nothing_comes_in() -> None:
    moved = shifted(parts(), IMAGES)
    assert torch.equal(moved[0, 0, 4:6, 8:12], torch.ones(2, 4))
    assert moved.sum() == parts().sum()
    full = shifted(torch.ones(1, 1, 16, 16), IMAGES)
    assert full.sum() == 12 * 12


def test_shuffled_parts_keep_their_order_for_an_image_and_differ_between_images() -> None:
    masks = shuffled(0)(parts(), IMAGES)
    assert masks.shape == (40, 3, 16, 16)
    assert torch.equal(masks.sum(1), parts().sum(1).expand(40, -1, -1))
    order = [tuple(one.flatten(1).argmax(1).tolist()) for one in masks]
    assert len(set(order)) == 6
    again = shuffled(0)(parts(), IMAGES[::-1].copy())
    assert torch.equal(again.flip(0), masks)
    assert not torch.equal(shuffled(1)(parts(), IMAGES), masks)


def test_shuffling_takes_masks_of_each_image_along() -> None:
    own = torch.rand(40, 3, 8, 8)
    masks = shuffled(0)(own, IMAGES)
    for image, changed in zip(own, masks, strict=True):
        assert sorted(image.sum((1, 2)).tolist()) == sorted(changed.sum((1, 2)).tolist())


def test_priors_that_are_not_cropped_along_ignore_the_view() -> None:
    zoomed = ViewGeometry(torch.tensor([[[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]]))
    still = ViewGeometry(torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    whole = not_cropped_along(view_priors)
    large = torch.nn.functional.interpolate(parts(), 32)
    assert torch.equal(whole(large, zoomed, 8), view_priors(large, still, 8))
    assert not torch.equal(view_priors(large, zoomed, 8), view_priors(large, still, 8))


def test_all_else_of_the_masks_is_passed_on() -> None:
    inner = PartMasks(parts()[0], 0.0)
    wrapped = AlteredMasks(inner, shifted)
    assert (wrapped.side_px, wrapped.radius_px, wrapped.device) == (16, 0.0, inner.device)
    assert torch.equal(wrapped.of(IMAGES[:2]), shifted(inner.of(IMAGES[:2]), IMAGES[:2]))


def test_the_product_is_as_before_once_a_control_has_ended() -> None:
    before = (run.build_loop, batches.view_priors)
    with altered("not cropped along", 0):
        assert batches.view_priors is not before[1]
    with pytest.raises(RuntimeError), altered("shifted", 0):
        raise RuntimeError
    assert (run.build_loop, batches.view_priors) == before
