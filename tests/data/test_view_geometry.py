"""Where a view lies in its image: inside unless asked otherwise, and bent as a whole, smoothly."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from span_train.data.keyed_draws import uniforms_of_view
from span_train.data.view_geometry import ViewGeometry, ViewRanges, view_geometry

CPU = torch.device("cpu")
PLAIN = ViewRanges(
    min_area=0.5, max_rotation_deg=0.0, max_aspect=1.2, brightness=0.0, contrast=0.0, noise=0.0
)


def ranges(**changes: object) -> ViewRanges:
    return ViewRanges(**{**PLAIN.__dict__, **changes})


def numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64)


def made(how: ViewRanges, views: int = 300) -> ViewGeometry:
    return view_geometry(uniforms_of_view(0, 0, numbers(views), 0), how, CPU)


@given(st.floats(0.4, 1.0), st.floats(1.0, 2.0), st.integers(0, 10_000))
def test_a_view_keeps_the_smallest_area_and_stays_inside_the_image(
    min_area: float, max_aspect: float, seed: int
) -> None:
    uniforms = uniforms_of_view(seed, 0, numbers(16), 0)
    affine = view_geometry(
        uniforms, ranges(min_area=min_area, max_aspect=max_aspect), CPU
    ).affine_b23
    area_b = torch.linalg.det(affine[:, :, :2]).abs()
    assert area_b.min() >= min_area - 1e-5
    reach_b2 = affine[:, :, :2].abs().sum(-1) + affine[:, :, 2].abs()
    assert reach_b2.max() <= 1 + 1e-5


def test_nothing_is_mirrored_or_turned_over_unless_the_layout_says_so() -> None:
    uniforms = uniforms_of_view(0, 0, numbers(500), 0)
    plain = view_geometry(uniforms, ranges(max_rotation_deg=45.0), CPU).affine_b23
    assert (plain[:, 0, 0] > 0).all()
    assert (plain[:, 1, 1] > 0).all()
    assert (torch.linalg.det(plain[:, :, :2]) > 0).all()
    for symmetry, axis in (("flip_horizontal", 0), ("flip_vertical", 1)):
        flipped = view_geometry(uniforms, ranges(symmetry=(symmetry,)), CPU).affine_b23
        share = (flipped[:, axis, axis] < 0).float().mean()
        assert 0.4 < share < 0.6
        assert (flipped[:, 1 - axis, 1 - axis] > 0).all()
    turned = view_geometry(uniforms, ranges(symmetry=("quarter_turns",)), CPU).affine_b23
    angles = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]).rad2deg().round() % 360
    assert set(angles.tolist()) == {0.0, 90.0, 180.0, 270.0}


def test_draws_make_the_geometry_they_always_made() -> None:
    """Runs that were started before can be repeated."""
    how = ranges(max_rotation_deg=3.0, symmetry=("flip_vertical",))
    found = view_geometry(uniforms_of_view(7, 3, np.array([11]), 1), how, CPU).affine_b23
    expected = [[0.771008, -0.015797, -0.104644], [-0.015147, -0.739269, -0.020368]]
    torch.testing.assert_close(found[0], torch.tensor(expected), atol=1e-6, rtol=0)


def test_zooming_out_shows_all_of_the_image_and_some_more() -> None:
    affine = made(ranges(min_area=1.0, max_area=1.5)).affine_b23
    area_b = torch.linalg.det(affine[:, :, :2])
    assert 1.0 <= area_b.min() < 1.05
    assert 1.45 < area_b.max() <= 1.5 + 1e-5
    half, centre = affine[:, :, :2].abs().sum(-1), affine[:, :, 2]
    wide = half >= 1
    assert ((half - centre.abs())[wide] >= 1 - 1e-5).all()  # the image's borders are in view


@pytest.mark.parametrize("area", [(0.5, 1.0), (1.0, 1.4)])
def test_a_shift_passes_the_border_by_at_most_its_share(area: tuple[float, float]) -> None:
    how = ranges(min_area=area[0], max_area=area[1])
    shifted = made(ranges(min_area=area[0], max_area=area[1], max_shift=0.1)).affine_b23
    still = made(how).affine_b23
    assert torch.equal(shifted[:, :, :2], still[:, :, :2])
    further = (shifted - still)[:, :, 2].abs()
    assert 0.18 < further.max() <= 0.2 + 1e-5  # the side is 2 long


def test_without_a_bend_places_are_those_of_the_affine_map() -> None:
    geometry = made(ranges(max_rotation_deg=10.0), 3)
    assert geometry.bend_b2cc is None
    x_y_1 = torch.tensor([0.25, -0.75, 1.0])
    row, column = 0, 2  # of four points a side: x = 0.25, y = -0.75
    expected = geometry.affine_b23 @ x_y_1
    torch.testing.assert_close(geometry.places(4)[:, row, column], expected)


def test_a_bend_moves_places_smoothly_and_never_folds_the_image() -> None:
    straight, bent = made(ranges()), made(ranges(max_warp=0.06))
    assert torch.equal(straight.affine_b23, bent.affine_b23)
    moved = bent.places(64) - straight.places(64)
    assert 0.06 < moved.abs().max() <= 0.06 * 2  # the side is 2 long
    steps = [moved.diff(dim=1), moved.diff(dim=2)]
    assert max(float(step.abs().max()) for step in steps) < 0.01
    for step, axis in ((bent.places(64).diff(dim=1), 1), (bent.places(64).diff(dim=2), 0)):
        assert float(step[..., axis].min()) > 0


def test_a_bend_as_strong_as_allowed_still_folds_nothing() -> None:
    places = made(ranges(min_area=0.4, max_warp=0.1, max_aspect=2.0), 1000).places(32)
    down, right = torch.gradient(places, dim=(1, 2))
    assert float((right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).min()) > 0


def test_every_image_and_view_is_bent_in_its_own_way_and_always_the_same() -> None:
    how, images = ranges(max_warp=0.06), numbers(4)
    first, second = (
        view_geometry(uniforms_of_view(0, 0, images, view), how, CPU).bend_b2cc for view in (0, 1)
    )
    again = view_geometry(uniforms_of_view(0, 0, images[2:], 0), how, CPU).bend_b2cc
    assert first is not None
    assert second is not None
    assert again is not None
    assert torch.equal(first[2:], again)
    assert len({float(one) for one in torch.cat([first, second]).sum(dim=(1, 2, 3))}) == 8


def test_a_bend_is_the_same_whatever_the_side() -> None:
    geometry = made(ranges(max_warp=0.06), 5)
    pooled = torch.nn.functional.avg_pool2d(geometry.places(128).permute(0, 3, 1, 2), 4)
    torch.testing.assert_close(geometry.places(32).permute(0, 3, 1, 2), pooled, atol=2e-3, rtol=0)


def seen_by_counting(mask_ss: Tensor, places_ss2: Tensor) -> float:
    """The share of a mask's pixels at least one of whose places is shown."""
    side = mask_ss.shape[0]
    pixels = ((places_ss2 + 1) / 2 * side).floor().long()
    inside = ((pixels >= 0) & (pixels < side)).all(-1)
    shown = torch.zeros_like(mask_ss)
    shown[pixels[inside][:, 1], pixels[inside][:, 0]] = 1
    return float((shown * mask_ss).sum() / side**2)


@pytest.mark.parametrize("max_warp", [0.0, 0.06])
def test_the_area_seen_is_what_counting_the_shown_pixels_gives(max_warp: float) -> None:
    mask_ss = torch.zeros(48, 48)
    mask_ss[4:30, 10:40] = 1.0
    how = ranges(min_area=0.4, max_warp=max_warp, max_rotation_deg=15.0, max_shift=0.1)
    geometry = made(how, 12)
    places = geometry.places(256)
    seen = torch.nn.functional.grid_sample(
        mask_ss.expand(12, 1, -1, -1), places, mode="nearest", align_corners=False
    )
    found = geometry.area_seen(seen, places)[:, 0]
    for one, place in zip(found, places, strict=True):
        assert float(one) == pytest.approx(seen_by_counting(mask_ss, place), abs=0.02)
    assert found.min() < 0.9 * found.max()
