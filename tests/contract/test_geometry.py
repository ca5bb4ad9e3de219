"""Places and maps go from the square back to the original, aligned or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from span_train.contract.geometry import Affine, Geometry, affine_of, square_matrix
from span_train.contract.image import fit_geometry

STRETCHED = fit_geometry(60, 90, 30, "stretch")


def aligned(turn_deg: float, right: float, down: float) -> Affine:
    """A turn and a shift."""
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    return affine_of(np.array([[cos, -sin, right], [sin, cos, down]]))


def of(affine: Affine | None) -> Geometry:
    """The stretched geometry after an alignment."""
    plain = STRETCHED
    return Geometry(60, 90, 30, plain.scale_x, plain.scale_y, 0.0, 0.0, affine)


@given(
    turn_deg=st.floats(-180, 180),
    right=st.floats(-20, 20),
    x=st.floats(0, 90),
    y=st.floats(0, 60),
)
def test_a_place_of_the_original_comes_back_from_the_square(
    turn_deg: float, right: float, x: float, y: float
) -> None:
    geometry = of(aligned(turn_deg, right, -3.0))
    in_square = geometry.matrix() @ np.array([x, y, 1.0])
    assert geometry.place(in_square[0], in_square[1]) == pytest.approx((x, y), abs=1e-6)


def test_an_alignment_that_moves_nothing_changes_no_map() -> None:
    map_gg = np.random.default_rng(0).random((5, 5)).astype(np.float32)
    still = of(aligned(0.0, 0.0, 0.0)).to_original(map_gg)
    assert np.abs(still - STRETCHED.to_original(map_gg)).max() < 0.05  # remap rounds to 1/32


def test_a_shifted_part_gets_its_evidence_where_it_lies() -> None:
    map_gg = np.zeros((6, 6), np.float32)
    map_gg[2, 2] = 1.0
    place = np.unravel_index(of(aligned(0.0, -30.0, 0.0)).to_original(map_gg).argmax(), (60, 90))
    unmoved = np.unravel_index(STRETCHED.to_original(map_gg).argmax(), (60, 90))
    assert int(place[0]) == int(unmoved[0])
    assert int(place[1]) - int(unmoved[1]) == pytest.approx(30, abs=1)


def test_what_the_reference_does_not_show_has_no_evidence() -> None:
    laid = of(aligned(0.0, -30.0, 0.0)).to_original(np.ones((6, 6), np.float32))
    assert (laid[:, :30] == 0).all()
    assert (laid[:, 31:] > 0.99).all()


@pytest.mark.parametrize("affine", [None, aligned(25.0, 4.0, -7.0)])
def test_a_window_shows_the_same_places(affine: Affine | None) -> None:
    whole = of(affine)
    window = whole.window((10, 20), (40, 30), (80, 90))
    assert (window.width_px, window.height_px) == (80, 90)
    x, y = whole.place(11.0, 13.0)
    assert window.place(11.0, 13.0) == pytest.approx(((x - 10) * 2, (y - 20) * 3))


def test_six_numbers_are_a_matrix_and_back() -> None:
    affine = aligned(12.0, 3.0, 4.0)
    assert affine_of(square_matrix(affine)) == pytest.approx(affine)
