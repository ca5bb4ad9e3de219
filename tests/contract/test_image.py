"""Any production image becomes 8-bit RGB, or an error that names the file."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from span_train.contract.errors import ImageError
from span_train.contract.image import Fit, decode_image, fit, fit_mask, load_image

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png")
    assert image.dtype == np.uint8
    assert np.array_equal(image, np.repeat(RAMP[:, :, None], 3, axis=2))


def test_black_and_white_becomes_0_and_255(tmp_path: Path) -> None:
    Image.fromarray(RAMP > 100).save(tmp_path / "a.png")
    assert set(np.unique(load_image(tmp_path / "a.png"))) == {0, 255}


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    picture = Image.fromarray((RAMP > 100).astype(np.uint8), "P")
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png")
    assert tuple(image[0, 0]) == (10, 20, 30)
    assert tuple(image[-1, -1]) == (200, 100, 50)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_lies_over_black(tmp_path: Path, mode: str) -> None:
    clear = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    clear.paste((200, 200, 200, 255), (0, 0, 2, 4))
    if mode == "P":
        picture = clear.convert("RGB").quantize(4)
        picture.save(tmp_path / "a.png", transparency=picture.getpixel((3, 3)))
    else:
        clear.convert(mode).save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png")
    assert tuple(image[0, 3]) == (0, 0, 0)
    assert np.abs(image[0, 0].astype(int) - 200).max() <= 2


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red, green, blue = load_image(tmp_path / "a.jpg")[8, 8]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_a_rotated_photo_is_turned_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 32), "black")
    picture.paste("white", (0, 0, 16, 8))
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = load_image(tmp_path / "a.jpg")
    assert image.shape == (16, 32, 3)
    assert image[:, -4:].mean() > 200 > 50 > image[:, :16].mean()


def deep_grey(path: Path) -> Path:
    Image.fromarray(np.array([[0, 1000, 3000, 65535]], np.uint16)).save(path)
    return path


def deep_colour(path: Path) -> Path:
    bgr = np.zeros((1, 4, 3), np.uint16)
    bgr[0, :, 2] = (0, 1000, 3000, 65535)
    cv2.imwrite(str(path), bgr)
    return path


@pytest.mark.parametrize("write", [deep_grey, deep_colour])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_need_a_declared_window(
    tmp_path: Path, write: Callable[[Path], Path], suffix: str
) -> None:
    path = write(tmp_path / f"deep.{suffix}")
    with pytest.raises(ImageError, match=r"deep\.\w+: a 16-bit image, but no window is declared"):
        load_image(path)


@pytest.mark.parametrize("write", [deep_grey, deep_colour])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_scaled_by_the_window_and_never_by_content(
    tmp_path: Path, write: Callable[[Path], Path], suffix: str
) -> None:
    image = load_image(write(tmp_path / f"deep.{suffix}"), window=(1000, 5000))
    assert image[0, :, 0].tolist() == [0, 0, 128, 255]


def test_a_text_file_named_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("shift 2: camera cleaned\n")
    with pytest.raises(ImageError, match=r"notes\.png: a text file, expected an image"):
        load_image(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match="an empty file"):
        load_image(tmp_path / "a.png")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("none.png", "folder.png"):
        with pytest.raises(ImageError, match=name):
            load_image(tmp_path / name)


def test_bytes_are_decoded_like_their_file(write_image: Callable[..., Path]) -> None:
    path = write_image("a.png")
    assert np.array_equal(decode_image(path.read_bytes(), "upload 3"), load_image(path))
    with pytest.raises(ImageError, match="upload 4: an empty file, expected an image"):
        decode_image(b"", "upload 4")
    with pytest.raises(ImageError, match="upload 5: 16x16 pixels, the limit is 9"):
        decode_image(path.read_bytes(), "upload 5", max_pixels=9)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp"])
def test_a_truncated_file_is_refused(
    write_image: Callable[..., Path], tmp_path: Path, suffix: str
) -> None:
    whole = write_image(f"whole.{suffix}", size=(64, 64)).read_bytes()
    (tmp_path / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=f"half.{suffix}"):
        load_image(tmp_path / f"half.{suffix}")


def test_the_limit_on_pixels_is_checked_before_decoding(tmp_path: Path) -> None:
    Image.new("L", (2000, 1000)).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match=r"2000x1000 pixels, the limit is 1000000; raise"):
        load_image(tmp_path / "large.png", max_pixels=1_000_000)
    assert load_image(tmp_path / "large.png", max_pixels=2_000_000).shape == (1000, 2000, 3)


@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    how=st.sampled_from(["stretch", "letterbox", "crop"]),
)
@settings(max_examples=60)
def test_fit_gives_a_square_for_any_size(height: int, width: int, how: Fit) -> None:
    image = np.full((height, width, 3), 255, np.uint8)
    square, geometry = fit(image, 32, how)
    assert square.shape == (32, 32, 3)
    assert (geometry.height_px, geometry.width_px) == (height, width)
    if how != "letterbox":
        assert square.min() == 255
    mask = fit_mask(np.ones((height, width), np.float32), 32, how)
    assert np.array_equal(mask > 0.5, square[:, :, 0] > 127)


@pytest.mark.parametrize("how", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(60, 100), (100, 60), (90, 90)])
def test_a_spot_in_the_square_is_found_again_in_the_image(size: tuple[int, int], how: Fit) -> None:
    place = (size[0] // 2 + 7, size[1] // 2 - 9)
    image = np.zeros((*size, 3), np.uint8)
    image[place[0] - 2 : place[0] + 3, place[1] - 2 : place[1] + 3] = 255
    square, geometry = fit(image, 64, how)
    back = geometry.to_original(square[:, :, 0].astype(np.float32))
    found = centre(back)
    assert back.shape == size
    assert np.abs(found - place).max() < 1.0


def test_pixels_outside_the_square_are_zero_on_the_way_back() -> None:
    _, geometry = fit(np.zeros((40, 100, 3), np.uint8), 32, "crop")
    back = geometry.to_original(np.ones((4, 4), np.float32))
    assert back[:, :25].max() == 0
    assert back[:, 35:65].min() == 1


def test_fit_refuses_what_is_no_rgb_image() -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        fit(np.zeros((4, 4), np.uint8), 32)


def centre(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    rows, columns = np.indices(values.shape)
    return np.array([(rows * values).sum(), (columns * values).sum()]) / values.sum()
