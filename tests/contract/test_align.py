"""Parts that shift and turn come to lie where the reference has them."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from span_train.contract.align import Align, Aligner
from span_train.contract.marks import Motion
from span_train.data.drawn_parts import draw_part

RGB = npt.NDArray[np.uint8]
REFERENCE = draw_part(np.random.default_rng(0))
HEIGHT, WIDTH = REFERENCE.shape[:2]


def moved(image: RGB, turn_deg: float, right_px: float, down_px: float) -> RGB:
    """The image turned about its middle, then shifted."""
    matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), turn_deg, 1.0)
    matrix[:, 2] += right_px, down_px
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=edge), np.uint8)


def apart(one: RGB, other: RGB) -> float:
    """Mean difference in grey levels away from the borders."""
    inside = np.s_[HEIGHT // 5 : -HEIGHT // 5, WIDTH // 5 : -WIDTH // 5]
    return float(np.abs(one[inside].astype(np.float32) - other[inside]).mean())


def printed() -> RGB:
    """A part full of marks, such as a printed board."""
    marks = np.random.default_rng(1).integers(40, 220, (24, 32), np.uint8)
    board = cv2.resize(marks, (320, 240), interpolation=cv2.INTER_NEAREST)
    return np.repeat(np.asarray(board)[..., None], 3, axis=2).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(
    turn_deg=st.floats(-30, 30),
    right=st.floats(-0.06, 0.06),
    down=st.floats(-0.06, 0.06),
)
def test_ecc_brings_a_turned_and_shifted_part_back(
    turn_deg: float, right: float, down: float
) -> None:
    aligner = Aligner(REFERENCE, "ecc", "rigid")
    image = moved(REFERENCE, turn_deg, right * WIDTH, down * HEIGHT)
    found = aligner.find(image)
    assert found.turn_deg == pytest.approx(-turn_deg, abs=0.5)
    assert found.confidence > 0.97
    assert apart(aligner.bring(image, found), REFERENCE) < 5  # interpolation smooths its grain


@pytest.mark.parametrize("turn_deg", [-178.4, -120.4, 93.6, 100.4, 140.4])
def test_a_part_turned_by_any_angle_is_brought_back_as_exactly(turn_deg: float) -> None:
    square = np.ascontiguousarray(printed()[:, 40:280])
    matrix = cv2.getRotationMatrix2D((119.5, 119.5), turn_deg, 1.0)
    image = np.asarray(cv2.warpAffine(square, matrix, (240, 240)), np.uint8)
    found = Aligner(square, "ecc", "rigid").find(image)
    assert (found.turn_deg + turn_deg + 180) % 360 == pytest.approx(180, abs=0.2)


def test_another_image_of_the_part_is_aligned_too() -> None:
    other = draw_part(np.random.default_rng(5))
    aligner = Aligner(REFERENCE, "ecc", "rigid")
    still, turned = aligner.find(other), aligner.find(moved(other, 20.0, 5.0, 0.0))
    assert turned.turn_deg - still.turn_deg == pytest.approx(-20, abs=1)


def test_a_translation_never_turns() -> None:
    image = moved(REFERENCE, 0.0, 9.0, -6.0)
    found = Aligner(REFERENCE, "ecc", "translation").find(image)
    assert found.from_reference[:2, :2] == pytest.approx(np.eye(2))
    assert found.from_reference[:2, 2] == pytest.approx([9.0, -6.0], abs=0.3)


@pytest.mark.parametrize("motion", ["translation", "rigid", "similarity", "affine"])
def test_features_find_a_shift(motion: Motion) -> None:
    board = printed()
    shift = np.array([[1, 0, 12.0], [0, 1, -8.0]])
    image = np.asarray(cv2.warpAffine(board, shift, (320, 240)), np.uint8)
    found = Aligner(board, "features", motion).find(image)
    assert found.from_reference[:2] == pytest.approx(shift, abs=0.6)
    assert found.confidence > 0.9


def test_features_find_a_turn_and_a_zoom() -> None:
    board = printed()
    matrix = cv2.getRotationMatrix2D((159.5, 119.5), 15.0, 0.9)
    image = np.asarray(cv2.warpAffine(board, matrix, (320, 240)), np.uint8)
    found = Aligner(board, "features", "similarity").find(image)
    assert found.from_reference[:2] == pytest.approx(matrix, abs=1.5)
    rigid = Aligner(board, "features", "rigid").find(image).from_reference[:2, :2]
    assert np.linalg.det(rigid) == pytest.approx(1.0)


def test_an_image_of_another_size_is_brought_to_the_references() -> None:
    twice = cv2.resize(REFERENCE, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_LINEAR)
    aligner = Aligner(REFERENCE, "ecc", "rigid")
    image = np.asarray(twice, np.uint8)
    found = aligner.find(image)
    assert apart(aligner.bring(image, found), REFERENCE) < 5  # interpolation smooths its grain
    x, y, *_ = found.to_reference()[:2]
    assert (x, y) == pytest.approx((0.5, 0.0), abs=0.01)


def test_what_is_another_product_has_little_confidence() -> None:
    noise = np.random.default_rng(2).integers(0, 255, REFERENCE.shape, np.uint8)
    flat = np.full_like(REFERENCE, 128)
    aligner = Aligner(REFERENCE, "ecc", "rigid")
    assert aligner.find(np.asarray(noise, np.uint8)).confidence < 0.5
    assert aligner.find(flat).confidence < 0.5


def test_masks_go_along_and_nothing_lies_beyond() -> None:
    image = moved(REFERENCE, 0.0, 12.0, 0.0)
    aligner = Aligner(REFERENCE, "ecc", "translation")
    masks_khw = np.ones((1, HEIGHT, WIDTH), np.bool_)
    brought = aligner.bring_masks(masks_khw, aligner.find(image))
    assert not brought[0, :, -11:].any()
    assert brought[0, :, :-13].all()


def test_the_number_of_threads_changes_nothing() -> None:
    image, threads = moved(REFERENCE, 7.0, 3.0, 2.0), cv2.getNumThreads()
    found = []
    try:
        for count in (1, 2):
            cv2.setNumThreads(count)
            aligner = Aligner(REFERENCE, "ecc", "affine")
            found.append(aligner.bring(image, aligner.find(image)))
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(*found)


@pytest.mark.parametrize("how", ["ecc", "features"])
def test_a_flat_reference_is_refused(how: Align) -> None:
    with pytest.raises(ValueError, match="nearly flat"):
        Aligner(np.full((64, 64, 3), 90, np.uint8), how, "rigid")


def test_a_reference_without_marks_is_refused_for_features() -> None:
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None], 150, axis=0)
    with pytest.raises(ValueError, match=r"0 marks were found in it, at least 20 .* use ecc"):
        Aligner(np.repeat(ramp[..., None], 3, axis=2), "features", "rigid")
