import numpy as np

from span_train.contract.image_quality import measure_quality


def test_a_black_image_is_dark_flat_and_clipped() -> None:
    quality = measure_quality(np.zeros((32, 32, 3), np.uint8))
    assert quality.as_dict() == {"brightness": 0, "contrast": 0, "sharpness": 0, "clipped": 1}


def test_an_even_grey_is_half_bright() -> None:
    quality = measure_quality(np.full((32, 32, 3), 128, np.uint8))
    assert abs(quality.brightness - 128 / 255) < 1e-6
    assert quality.clipped == 0


def test_blur_lowers_sharpness() -> None:
    sharp = np.zeros((32, 32, 3), np.uint8)
    sharp[:, 16:] = 200
    blurred = np.linspace(0, 200, 32).astype(np.uint8)[None, :, None].repeat(32, 0).repeat(3, 2)
    assert measure_quality(sharp).sharpness > 10 * measure_quality(blurred).sharpness
