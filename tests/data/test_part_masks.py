"""Masks of all images or of each: softened, taken along into a view, and left out when unseen."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from span_train.data.part_masks import PartMasks, soften, view_priors
from span_train.data.view_geometry import ViewGeometry

SIDE_PX, GRID = 64, 8
CPU = torch.device("cpu")


def layout_masks() -> Tensor:
    """A disc and a bar that do not touch the border, as a drawn image would show them."""
    rows, columns = torch.meshgrid(torch.arange(SIDE_PX), torch.arange(SIDE_PX), indexing="ij")
    disc = ((rows - 25) ** 2 + (columns - 40) ** 2 < 12**2).float()
    bar = ((rows > 42) & (rows < 52) & (columns > 12) & (columns < 48)).float()
    return torch.stack([disc, bar])


def own_masks(images: int = 5, side: int = SIDE_PX) -> np.ndarray:
    """Two parts that lie elsewhere in every image, (M, 2, s, s) uint8."""
    masks = np.zeros((images, 2, side, side), np.uint8)
    for image in range(images):
        masks[image, 0, : side // 2, : (image + 2) * side // 8] = 255
        masks[image, 1, side // 2 :, (image + 1) * side // 8 :] = 255
    return masks


def test_shared_masks_are_softened_once_and_the_same_for_all_images() -> None:
    found = PartMasks(layout_masks(), 4.0).of(np.array([3, 1, 4]))
    assert torch.equal(found, soften(layout_masks(), 4.0)[None])


def test_each_image_gets_its_own_masks_in_the_order_asked_for() -> None:
    masks = PartMasks.of_each_image(own_masks(), SIDE_PX, 0.0, CPU)
    found = masks.of(np.array([3, 1]))
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.from_numpy(own_masks()[[3, 1]] / 255).float())


def test_smaller_masks_are_softened_as_far_as_large_ones() -> None:
    large = PartMasks.of_each_image(own_masks(side=SIDE_PX), SIDE_PX, 8.0, CPU)
    small = PartMasks.of_each_image(own_masks(side=SIDE_PX // 2), SIDE_PX, 8.0, CPU)
    pooled = torch.nn.functional.avg_pool2d(large.of(np.arange(5)), 2)
    torch.testing.assert_close(small.of(np.arange(5)), pooled, atol=0.06, rtol=0)


def test_masks_may_lie_in_a_file(tmp_path) -> None:
    np.save(tmp_path / "masks.npy", own_masks())
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    masks = PartMasks.of_each_image(mapped, SIDE_PX, 2.0, CPU)
    expected = PartMasks.of_each_image(own_masks(), SIDE_PX, 2.0, CPU)
    assert torch.equal(masks.of(np.array([4, 0])), expected.of(np.array([4, 0])))


@pytest.mark.parametrize(
    "wrong",
    [own_masks()[0], own_masks()[..., :9], own_masks().astype(np.float32)],
)
def test_masks_of_another_shape_or_kind_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match=r"masks of each image: .*, not \(images, parts, s, s\) uint8"
    ):
        PartMasks.of_each_image(wrong, SIDE_PX, 4.0, CPU)


def test_a_prior_follows_the_part_of_its_own_image() -> None:
    masks = PartMasks.of_each_image(own_masks(), SIDE_PX, 0.0, CPU)
    views = crop(0.0, 0.0, 1.0, 1.0, views=2)
    prior_bkn = view_priors(masks.of(np.array([0, 4])), views, GRID)
    assert prior_bkn[:, 0].sum(-1).tolist() == pytest.approx([8, 24], abs=1e-4)
    assert prior_bkn[:, 1].sum(-1).tolist() == pytest.approx([28, 12], abs=1e-4)


def test_masks_as_coarse_as_the_patches_give_nearly_the_same_prior() -> None:
    fine = PartMasks.of_each_image(own_masks(), SIDE_PX, 16.0, CPU).of(np.arange(5))
    coarse = PartMasks.of_each_image(own_masks(side=16), SIDE_PX, 16.0, CPU).of(np.arange(5))
    views = crop(0.1, 0.1, 0.8, 0.8, views=5)
    expected, found = view_priors(fine, views, GRID), view_priors(coarse, views, GRID)
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0)


def crop(left: float, top: float, width: float, height: float, views: int = 1) -> ViewGeometry:
    """The geometry of a crop given in shares of the image."""
    rows = [[width, 0.0, 2 * left + width - 1], [0.0, height, 2 * top + height - 1]]
    return ViewGeometry(torch.tensor([rows] * views))


def test_a_part_does_not_go_on_beyond_the_image() -> None:
    masks_kss = torch.ones(1, SIDE_PX, SIDE_PX)
    beyond = crop(0.25, 0.0, 1.0, 1.0)  # the right quarter shows no image
    prior_hw = view_priors(masks_kss[None], beyond, GRID)[0, 0].view(GRID, GRID)
    torch.testing.assert_close(prior_hw[:, :6], torch.ones(GRID, 6))
    assert prior_hw[:, 6:].abs().max() == 0


def test_a_part_out_of_view_becomes_a_zero_row() -> None:
    masks_kss = torch.zeros(2, SIDE_PX, SIDE_PX)
    masks_kss[0, :20, :20] = 1.0
    masks_kss[1, 40:60, 40:60] = 1.0
    prior_bkn = view_priors(masks_kss[None], crop(0.5, 0.5, 0.5, 0.5), GRID)
    assert prior_bkn[0, 0].abs().max() == 0
    assert prior_bkn[0, 1].sum() > 1


@pytest.mark.parametrize(("seen_px", "counts"), [(5, True), (1, False)])
def test_a_part_counts_only_from_five_percent_in_view_on(seen_px: int, counts: bool) -> None:
    masks_kss = torch.zeros(1, SIDE_PX, SIDE_PX)
    masks_kss[0, :, : 32 + seen_px] = 1.0  # the view begins at the middle; 5 % of 37 px is 1.85 px
    prior_bkn = view_priors(masks_kss[None], crop(0.5, 0.0, 0.5, 1.0), GRID)
    assert bool(prior_bkn.sum() > 0) is counts


@pytest.mark.parametrize(("side_px", "counts"), [(9, True), (7, False)])
def test_a_part_counts_only_from_one_patch_of_area_on(side_px: int, counts: bool) -> None:
    masks_kss = torch.zeros(1, SIDE_PX, SIDE_PX)
    masks_kss[0, 20 : 20 + side_px, 20 : 20 + side_px] = 1.0
    prior_bkn = view_priors(masks_kss[None], crop(0.0, 0.0, 1.0, 1.0), GRID)
    assert bool(prior_bkn.sum() > 0) is counts


def test_softening_keeps_a_parts_area_and_blurs_its_border() -> None:
    masks_kss = layout_masks()
    softened = soften(masks_kss, 8.0)
    torch.testing.assert_close(softened.sum((1, 2)), masks_kss.sum((1, 2)), atol=1.0, rtol=1e-3)
    assert softened[0, 25, 40] == pytest.approx(1.0, abs=1e-3)
    assert 0.3 < softened[0, 25, 40 + 12] < 0.7
    assert torch.equal(soften(masks_kss, 0.0), masks_kss)
    assert math.isclose(float(soften(torch.ones(1, 16, 16), 4.0).min()), 1.0, abs_tol=1e-5)


@pytest.mark.parametrize(("seen_px", "counts"), [(10, True), (8, False)])
def test_what_a_bend_enlarges_counts_with_its_own_area(seen_px: int, counts: bool) -> None:
    """Of a part of about 1600 px, 100 or 64 are in view: more or less than 5 %; both look large."""
    masks_kss = torch.zeros(1, SIDE_PX, SIDE_PX)
    masks_kss[0, :12], masks_kss[0, 52:] = 1.0, 1.0  # not in view
    start = (SIDE_PX - seen_px) // 2
    masks_kss[0, start : start + seen_px, start : start + seen_px] = 1.0
    towards_the_middle = -0.5 * (torch.arange(6) - 2.5) / 1.5  # halves all distances
    bend = torch.stack(torch.meshgrid(towards_the_middle, towards_the_middle, indexing="xy"))
    whole = crop(0.0, 0.0, 1.0, 1.0).affine_b23
    prior_bkn = view_priors(masks_kss[None], ViewGeometry(whole, bend[None]), GRID)
    assert bool(prior_bkn.sum() > 0) is counts
    assert not counts or prior_bkn.sum() > 5  # twice as wide and high, in patches of 64 px
