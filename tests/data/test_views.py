"""Training views: exact geometry, priors that go along, and randomness that only keys decide."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from span_train.data.keyed_draws import keyed_normals, uniforms_of_view
from span_train.data.part_masks import view_priors
from span_train.data.view_geometry import ViewRanges
from span_train.data.views import make_views

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
        ranges(max_area=1.5, max_shift=0.2, max_rotation_deg=20.0, beyond_border="edge"),
        ranges(max_warp=0.06, max_area=1.2, beyond_border="edge"),
    ],
)
def test_a_prior_shows_its_part_where_the_view_shows_it(how: ViewRanges) -> None:
    masks_kss, count = layout_masks(), 40
    uniforms = uniforms_of_view(3, 1, numbers(count), 0)
    compared = 0
    for part in range(2):
        views, geometry = make_views(as_images(masks_kss, part, count), uniforms, how)
        drawn_bn = functional.adaptive_avg_pool2d(views[:, :1], GRID).flatten(1)
        prior_bn = view_priors(masks_kss[None], geometry, GRID)[:, part]
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
    assert torch.equal(first.affine_b23, second.affine_b23)
    assert (calm - changed).abs().max() > 0.05


def test_a_view_of_the_whole_area_is_the_image() -> None:
    images = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (3, SIDE_PX, SIDE_PX, 3), np.uint8)
    )
    whole = ranges(min_area=1.0, max_aspect=1.0)
    views, geometry = make_views(images, uniforms_of_view(0, 0, numbers(3), 0), whole)
    torch.testing.assert_close(views, images.permute(0, 3, 1, 2) / 255, atol=1e-4, rtol=0)
    prior_bkn = view_priors(layout_masks()[None], geometry, GRID)
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


@pytest.mark.parametrize(("beyond", "shown"), [("mirror", 200), ("edge", 40)])
def test_beyond_the_border_a_view_shows_what_was_asked_for(beyond: str, shown: int) -> None:
    images = torch.full((20, SIDE_PX, SIDE_PX, 3), 200, dtype=torch.uint8)
    for edge in (0, -1):  # a dark rim, one pixel wide
        images[:, edge], images[:, :, edge] = 40, 40
    how = ranges(min_area=1.0, max_aspect=1.0, max_shift=0.3, beyond_border=beyond)
    views, geometry = make_views(images, uniforms_of_view(0, 0, numbers(20), 0), how)
    places = geometry.places(SIDE_PX).abs()
    near_the_rim = ((places - 1).abs() < 6 / SIDE_PX).any(-1)
    far_beyond = ((places.amax(-1) > 1) & ~near_the_rim)[:, None].expand_as(views)
    assert far_beyond.sum() > 1000
    found = views[far_beyond] * 255
    torch.testing.assert_close(found, torch.full_like(found, shown), atol=0.5, rtol=0)


def test_a_view_may_have_another_side() -> None:
    images = as_images(layout_masks(), 0, 6)
    uniforms = uniforms_of_view(0, 0, numbers(6), 2)
    small, geometry = make_views(images, uniforms, ranges(max_warp=0.05), side_px=32)
    large, _ = make_views(images, uniforms, ranges(max_warp=0.05))
    assert small.shape == (6, 3, 32, 32)
    assert geometry.places(32).shape == (6, 32, 32, 2)
    torch.testing.assert_close(small, functional.avg_pool2d(large, 2), atol=0.5, rtol=0)
    assert (small - functional.avg_pool2d(large, 2)).abs().mean() < 0.01


def test_noise_is_added_where_it_is_asked_for() -> None:
    images = torch.full((2, SIDE_PX, SIDE_PX, 3), 128, dtype=torch.uint8)
    uniforms = uniforms_of_view(0, 0, numbers(2), 0)
    noise_bchw = keyed_normals(0, 0, numbers(2), 9, (3, SIDE_PX, SIDE_PX))
    views, _ = make_views(images, uniforms, ranges(noise=0.2), noise_bchw)
    for view, draw in zip(views, uniforms[:, 10], strict=True):
        assert float(view.std()) == pytest.approx(0.2 * draw, rel=0.05)
