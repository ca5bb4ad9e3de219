"""Training views: exact geometry, priors that go along, and randomness that only keys decide."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from span_train.data.views import (
    ViewRanges,
    batch_of_step,
    keyed_normals,
    keyed_uniforms,
    make_views,
    soften,
    uniforms_of_view,
    view_geometry,
    view_priors,
)

SIDE_PX, GRID = 64, 8
PLAIN = ViewRanges(
    min_area=0.5, max_rotation_deg=0.0, max_aspect=1.2, brightness=0.0, contrast=0.0, noise=0.0
)


def ranges(**changes: object) -> ViewRanges:
    return ViewRanges(**{**PLAIN.__dict__, **changes})


def numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64)


def layout_masks() -> Tensor:
    """A disc and a bar that do not touch the border, as a drawn image would show them."""
    rows, columns = torch.meshgrid(torch.arange(SIDE_PX), torch.arange(SIDE_PX), indexing="ij")
    disc = ((rows - 25) ** 2 + (columns - 40) ** 2 < 12**2).float()
    bar = ((rows > 42) & (rows < 52) & (columns > 12) & (columns < 48)).float()
    return torch.stack([disc, bar])


def as_images(masks_kss: Tensor, part: int, count: int) -> Tensor:
    mask = (masks_kss[part] * 255).to(torch.uint8)
    return mask[None, :, :, None].expand(count, -1, -1, 3)


@pytest.mark.parametrize(
    "how",
    [
        ranges(),
        ranges(max_rotation_deg=4.0),
        ranges(symmetry=("flip_horizontal", "flip_vertical")),
        ranges(symmetry=("quarter_turns",), max_aspect=1.0),
    ],
)
def test_a_prior_shows_its_part_where_the_view_shows_it(how: ViewRanges) -> None:
    masks_kss, count = layout_masks(), 40
    uniforms = uniforms_of_view(3, 1, numbers(count), 0)
    compared = 0
    for part in range(2):
        views, geometry = make_views(as_images(masks_kss, part, count), uniforms, how)
        drawn_bn = functional.adaptive_avg_pool2d(views[:, :1], GRID).flatten(1)
        prior_bn = view_priors(masks_kss, geometry, GRID)[:, part]
        in_view = prior_bn.sum(-1) > 0
        compared += int(in_view.sum())
        torch.testing.assert_close(prior_bn[in_view], drawn_bn[in_view], atol=0.01, rtol=0)
    assert compared > 60


def test_photometric_changes_leave_the_prior_alone() -> None:
    uniforms = uniforms_of_view(0, 0, numbers(4), 0)
    images = as_images(layout_masks(), 0, 4)
    plain, loud = ranges(), ranges(brightness=0.9, contrast=0.9)
    calm, first = make_views(images, uniforms, plain)
    changed, second = make_views(images, uniforms, loud)
    assert torch.equal(first, second)
    assert (calm - changed).abs().max() > 0.05


def test_a_view_of_the_whole_area_is_the_image() -> None:
    images = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (3, SIDE_PX, SIDE_PX, 3), np.uint8)
    )
    whole = ranges(min_area=1.0, max_aspect=1.0)
    views, geometry = make_views(images, uniforms_of_view(0, 0, numbers(3), 0), whole)
    torch.testing.assert_close(views, images.permute(0, 3, 1, 2) / 255, atol=1e-4, rtol=0)
    prior_bkn = view_priors(layout_masks(), geometry, GRID)
    pooled_kn = functional.adaptive_avg_pool2d(layout_masks()[None], GRID)[0].flatten(1)
    torch.testing.assert_close(prior_bkn[0], pooled_kn, atol=1e-4, rtol=0)


def test_a_declared_flip_mirrors_the_image() -> None:
    images = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (8, SIDE_PX, SIDE_PX, 3), np.uint8)
    )
    how = ranges(min_area=1.0, max_aspect=1.0, symmetry=("flip_horizontal",))
    uniforms = uniforms_of_view(0, 0, numbers(8), 0)
    views, _ = make_views(images, uniforms, how)
    plain = images.permute(0, 3, 1, 2) / 255
    for view, image, draw in zip(views, plain, uniforms[:, 6], strict=True):
        expected = image.flip(-1) if draw < 0.5 else image
        torch.testing.assert_close(view, expected, atol=1e-4, rtol=0)
    assert 0 < (uniforms[:, 6] < 0.5).sum() < 8


@given(st.floats(0.4, 1.0), st.floats(1.0, 2.0), st.integers(0, 10_000))
def test_a_view_keeps_the_smallest_area_and_stays_inside_the_image(
    min_area: float, max_aspect: float, seed: int
) -> None:
    uniforms = uniforms_of_view(seed, 0, numbers(16), 0)
    geometry = view_geometry(uniforms, ranges(min_area=min_area, max_aspect=max_aspect))
    area_b = torch.linalg.det(geometry[:, :, :2]).abs()
    assert area_b.min() >= min_area - 1e-5
    reach_b2 = geometry[:, :, :2].abs().sum(-1) + geometry[:, :, 2].abs()
    assert reach_b2.max() <= 1 + 1e-5


def test_nothing_is_mirrored_or_turned_over_unless_the_layout_says_so() -> None:
    uniforms = uniforms_of_view(0, 0, numbers(500), 0)
    plain = view_geometry(uniforms, ranges(max_rotation_deg=45.0))
    assert (plain[:, 0, 0] > 0).all()
    assert (plain[:, 1, 1] > 0).all()
    assert (torch.linalg.det(plain[:, :, :2]) > 0).all()
    for symmetry, axis in (("flip_horizontal", 0), ("flip_vertical", 1)):
        flipped = view_geometry(uniforms, ranges(symmetry=(symmetry,)))
        share = (flipped[:, axis, axis] < 0).float().mean()
        assert 0.4 < share < 0.6
        assert (flipped[:, 1 - axis, 1 - axis] > 0).all()
    turned = view_geometry(uniforms, ranges(symmetry=("quarter_turns",)))
    angles = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]).rad2deg().round() % 360
    assert set(angles.tolist()) == {0.0, 90.0, 180.0, 270.0}


def crop(left: float, top: float, width: float, height: float) -> Tensor:
    """The geometry of a crop given in shares of the image."""
    return torch.tensor([[[width, 0.0, 2 * left + width - 1], [0.0, height, 2 * top + height - 1]]])


def test_a_part_does_not_go_on_beyond_the_image() -> None:
    masks_kss = torch.ones(1, SIDE_PX, SIDE_PX)
    beyond = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])  # the right quarter shows no image
    prior_hw = view_priors(masks_kss, beyond, GRID)[0, 0].view(GRID, GRID)
    torch.testing.assert_close(prior_hw[:, :6], torch.ones(GRID, 6))
    assert prior_hw[:, 6:].abs().max() < 0.1


def test_a_part_out_of_view_becomes_a_zero_row() -> None:
    masks_kss = torch.zeros(2, SIDE_PX, SIDE_PX)
    masks_kss[0, :20, :20] = 1.0
    masks_kss[1, 40:60, 40:60] = 1.0
    prior_bkn = view_priors(masks_kss, crop(0.5, 0.5, 0.5, 0.5), GRID)
    assert prior_bkn[0, 0].abs().max() == 0
    assert prior_bkn[0, 1].sum() > 1


@pytest.mark.parametrize(("seen_px", "counts"), [(5, True), (1, False)])
def test_a_part_counts_only_from_five_percent_in_view_on(seen_px: int, counts: bool) -> None:
    masks_kss = torch.zeros(1, SIDE_PX, SIDE_PX)
    masks_kss[0, :, : 32 + seen_px] = 1.0  # the view begins at the middle; 5 % of 37 px is 1.85 px
    prior_bkn = view_priors(masks_kss, crop(0.5, 0.0, 0.5, 1.0), GRID)
    assert bool(prior_bkn.sum() > 0) is counts


@pytest.mark.parametrize(("side_px", "counts"), [(9, True), (7, False)])
def test_a_part_counts_only_from_one_patch_of_area_on(side_px: int, counts: bool) -> None:
    masks_kss = torch.zeros(1, SIDE_PX, SIDE_PX)
    masks_kss[0, 20 : 20 + side_px, 20 : 20 + side_px] = 1.0
    prior_bkn = view_priors(masks_kss, crop(0.0, 0.0, 1.0, 1.0), GRID)
    assert bool(prior_bkn.sum() > 0) is counts


def test_uniforms_have_the_values_they_always_had() -> None:
    found = keyed_uniforms(7, 3, np.array([0, 11]), stream=1, draws=2)
    expected = [
        [0.6633841535716072, 0.6377361060635659],
        [0.14044191637120185, 0.61528201836112],
    ]
    np.testing.assert_array_equal(found, expected)


def test_an_image_gets_its_draws_whatever_batch_it_is_in() -> None:
    everything = keyed_uniforms(5, 2, numbers(50), stream=0, draws=12)
    some = np.array([41, 3, 17], np.int64)
    np.testing.assert_array_equal(keyed_uniforms(5, 2, some, 0, 12), everything[some])
    np.testing.assert_array_equal(keyed_uniforms(5, 2, some, 0, 4), everything[some, :4])


def test_every_key_changes_the_draws() -> None:
    base = keyed_uniforms(1, 1, numbers(3), 1, 4)
    for other in (
        keyed_uniforms(2, 1, numbers(3), 1, 4),
        keyed_uniforms(1, 2, numbers(3), 1, 4),
        keyed_uniforms(1, 1, numbers(3) + 3, 1, 4),
        keyed_uniforms(1, 1, numbers(3), 2, 4),
    ):
        assert not np.isin(other, base).any()


def test_draws_are_uniform_and_unrelated() -> None:
    draws = keyed_uniforms(0, 0, numbers(20_000), 0, 4)
    assert draws.min() >= 0
    assert draws.max() < 1
    for column in draws.T:
        counts = np.histogram(column, 20, (0, 1))[0]
        assert np.abs(counts - 1000).max() < 150
    correlation = np.corrcoef(np.c_[draws, np.roll(draws[:, 0], 1)].T) - np.eye(5)
    assert np.abs(correlation).max() < 0.03


def test_normals_are_normal_keyed_and_of_any_shape() -> None:
    normals = keyed_normals(0, 0, numbers(40), 9, (3, 21, 21))
    assert normals.shape == (40, 3, 21, 21)
    assert normals.dtype == torch.float32
    assert abs(float(normals.mean())) < 0.02
    assert float(normals.std()) == pytest.approx(1.0, abs=0.02)
    assert float((normals.abs() < 1.0).float().mean()) == pytest.approx(0.683, abs=0.01)
    again = keyed_normals(0, 0, np.array([7]), 9, (3, 21, 21))
    assert torch.equal(again[0], normals[7])


def test_noise_is_added_where_it_is_asked_for() -> None:
    images = torch.full((2, SIDE_PX, SIDE_PX, 3), 128, dtype=torch.uint8)
    uniforms = uniforms_of_view(0, 0, numbers(2), 0)
    noise_bchw = keyed_normals(0, 0, numbers(2), 9, (3, SIDE_PX, SIDE_PX))
    views, _ = make_views(images, uniforms, ranges(noise=0.2), noise_bchw)
    for view, draw in zip(views, uniforms[:, 10], strict=True):
        assert float(view.std()) == pytest.approx(0.2 * draw, rel=0.05)


@pytest.mark.parametrize(("images", "batch_size"), [(12, 4), (10, 3), (5, 64)])
def test_an_epoch_shows_each_image_once(images: int, batch_size: int) -> None:
    size = min(images, batch_size)
    steps = images // size
    orders = []
    for epoch in range(3):
        batches = [batch_of_step(epoch * steps + n, images, batch_size, 0) for n in range(steps)]
        assert {number for number, _ in batches} == {epoch}
        assert {len(chosen) for _, chosen in batches} == {size}
        orders.append([int(one) for _, chosen in batches for one in chosen])
        assert len(set(orders[-1])) == steps * size
        assert set(orders[-1]) <= set(range(images))
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] != [int(i) for n in range(steps) for i in batch_of_step(n, images, size, 1)[1]]


def test_softening_keeps_a_parts_area_and_blurs_its_border() -> None:
    masks_kss = layout_masks()
    softened = soften(masks_kss, 8.0)
    torch.testing.assert_close(softened.sum((1, 2)), masks_kss.sum((1, 2)), atol=1.0, rtol=1e-3)
    assert softened[0, 25, 40] == pytest.approx(1.0, abs=1e-3)
    assert 0.3 < softened[0, 25, 40 + 12] < 0.7
    assert torch.equal(soften(masks_kss, 0.0), masks_kss)
    assert math.isclose(float(soften(torch.ones(1, 16, 16), 4.0).min()), 1.0, abs_tol=1e-5)
