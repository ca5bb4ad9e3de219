"""A weak lamp is told from a dark defect, blur from a plain part, a shift from another part."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from span_train.contract.align import Aligned
from span_train.contract.image_quality import measure_quality
from span_train.contract.image_readings import readings_of, small_grey, usual_from
from span_train.data.drawn_parts import draw_part

Square = npt.NDArray[np.uint8]
PART: Square = draw_part(np.random.default_rng(0))
SIDE = PART.shape[0]
USUAL = usual_from(small_grey(PART).tobytes())


def read(square: Square) -> dict[str, float]:
    """The readings of a square, against the drawn part as the usual one."""
    return readings_of(square, measure_quality(square), USUAL)


def blurred(square: Square, share: float) -> Square:
    """By a share of the side."""
    return np.asarray(cv2.GaussianBlur(square, (0, 0), share * len(square)), np.uint8)


def moved(square: Square, right_px: int, down_px: int) -> Square:
    """The part elsewhere; what comes in repeats the border."""
    matrix = np.array([[1, 0, right_px], [0, 1, down_px]], np.float64)
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(square, matrix, (SIDE, SIDE), borderMode=edge), np.uint8)


def test_a_dark_spot_leaves_the_highlights_and_a_weak_lamp_does_not() -> None:
    spot = PART.copy()
    spot[: SIDE // 3, : SIDE // 3] = 0
    plain = read(PART)
    assert read(spot)["highlights"] == pytest.approx(plain["highlights"], rel=0.05)
    assert read(spot)["brightness"] < 0.95 * plain["brightness"]
    weak = read(np.asarray(PART * 0.4, np.uint8))
    assert weak["highlights"] == pytest.approx(0.4 * plain["highlights"], rel=0.05)


def test_the_darkest_image_has_finite_logarithms() -> None:
    black = read(np.zeros_like(PART))
    assert all(np.isfinite(value) for value in black.values())
    assert np.isfinite(np.log([black["highlights"], black["brightness"], black["contrast"]])).all()


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("share", [0.015, 0.03])
def test_blur_takes_detail_away_at_any_resolution(times: int, share: float) -> None:
    size = (SIDE * times, SIDE * times)
    large = np.asarray(cv2.resize(PART, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    grain = np.random.default_rng(1).normal(0, 6, large.shape)
    large = np.asarray(np.clip(large + grain, 0, 255), np.uint8)
    sharp, soft = read(large), read(blurred(large, share))
    assert min(soft[name] / sharp[name] for name in ("fine_detail", "coarse_detail")) < 0.5


def test_low_contrast_is_no_blur() -> None:
    faint = np.asarray(PART * 0.5 + 60, np.uint8)
    plain = read(PART)
    for name in ("fine_detail", "coarse_detail"):
        assert read(faint)[name] == pytest.approx(plain[name], rel=0.15)


def test_a_shifted_part_is_alike_elsewhere() -> None:
    still, shifted = read(PART), read(moved(PART, SIDE // 10, SIDE // 20))
    assert still["fits_elsewhere"] == 0
    assert shifted["fits_elsewhere"] > 0.4
    assert shifted["likeness"] > 0.8


def test_another_part_is_alike_nowhere() -> None:
    other = np.ascontiguousarray(PART[::-1].transpose(1, 0, 2))
    assert read(other)["likeness"] < 0.5


def test_alignment_is_read_where_something_is_aligned() -> None:
    aligned = readings_of(PART, measure_quality(PART), USUAL, Aligned(0.75, 0.5))
    assert (aligned["alignment"], aligned["seen"]) == (0.75, 0.5)
    assert {"alignment", "seen"}.isdisjoint(read(PART))
