"""Bytes that are meant to harm, or that no camera writes, end in an ImageError within bounds."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from span_train.contract.errors import ImageError
from span_train.contract.image import decode_image, fit

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


def encoded(pixels: np.ndarray, kind: str, **how: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **how)
    return content.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(chunks)


def zeros(amount: int) -> bytes:
    return zlib.compress(bytes(amount), 9)


def test_a_bomb_of_pixels_is_refused_by_its_header() -> None:
    bomb = png(60_000, 60_000, png_chunk(b"IDAT", zeros(10**6)))
    with pytest.raises(ImageError, match="60000x60000 pixels, the limit is 64000000"):
        decode_image(bomb, "bomb.png")


def test_a_bomb_in_a_text_chunk_is_refused() -> None:
    text = png_chunk(b"zTXt", b"note\0\0" + zeros(200 << 20))
    picture = png_chunk(b"IDAT", zlib.compress(bytes(2)))
    with pytest.raises(ImageError, match=r"bomb\.png: cannot be decoded"):
        decode_image(png(1, 1, text, picture), "bomb.png")


def tiff(width: int, length: int, tile: int) -> bytes:
    """A deflated grey TIFF whose one tile is `tile` pixels wide and long."""
    data = zeros(tile * 16)
    entries = [
        *((256, 4, width), (257, 4, length), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)),
        *((322, 4, tile), (323, 4, tile), (324, 4, 8), (325, 4, len(data))),
    ]
    listed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    directory = struct.pack("<H", len(entries)) + listed + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


def test_a_tiff_of_few_pixels_with_a_huge_tile_is_refused() -> None:
    assert decode_image(tiff(16, 16, 16), "a.tif").shape == (16, 16, 3)
    with pytest.raises(ImageError, match="40000x40000 pixels, the limit is"):
        decode_image(tiff(16, 16, 40_000), "bomb.tif")


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 20_000)])
def test_images_of_one_pixel_and_very_long_ones_are_read_and_fitted(size: tuple[int, int]) -> None:
    image = decode_image(encoded(np.full(size, 200, np.uint8), "PNG"), "a.png")
    assert image.shape == (*size, 3)
    for how in ("stretch", "letterbox", "crop"):
        square, geometry = fit(image, 32, how)
        assert square.max() >= 199
        assert geometry.to_original(np.ones((4, 4), np.float32)).shape == size


def test_an_image_of_20000_by_20000_pixels_is_over_the_limit() -> None:
    with pytest.raises(ImageError, match="20000x20000 pixels, the limit is"):
        decode_image(png(20_000, 20_000, png_chunk(b"IDAT", zeros(999))), "a.png")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"GIF89a\1\0\1\0\0\0\0;", "a GIF image"),
        (b"\0" * 100, "a file of unknown kind"),
    ],
)
def test_other_kinds_are_named_and_never_opened(content: bytes, kind: str) -> None:
    with pytest.raises(ImageError, match=f"x: {kind}, expected an image"):
        decode_image(content, "x")


def test_damaged_orientation_is_no_crash() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    content = encoded(GREY, "JPEG", exif=exif)
    try:
        assert decode_image(content, "a.jpg").shape == (6, 8, 3)
    except ImageError as problem:
        assert "a.jpg" in str(problem)  # noqa: PT017 - either is right


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_deep_grey_is_the_same_however_deep_it_is_stored(dtype: type) -> None:
    deep = np.array([[0, 1000, 3000, 65535]], dtype)
    image = decode_image(encoded(deep, "TIFF"), "a.tif", window=(1000, 5000))
    assert image[0, :, 0].tolist() == [0, 0, 128, 255]


def samples() -> list[bytes]:
    colour = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
    deep = cv2.imencode(".png", colour.astype(np.uint16) * 200)[1].tobytes()
    clear = np.dstack([colour, colour[:, :, :1]])
    return [
        *(encoded(colour, kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")),
        encoded(GREY.astype(np.uint16) * 99, "TIFF", compression="tiff_lzw"),
        encoded(clear, "PNG"),
        encoded(clear, "WEBP"),
        deep,
    ]


SAMPLES = samples()
Changes = list[tuple[int, int]]


@given(
    which=st.integers(0, len(SAMPLES) - 1),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 4000),
)
@settings(max_examples=150)
def test_damaged_bytes_are_pixels_or_an_image_error(which: int, changes: Changes, cut: int) -> None:
    content = bytearray(SAMPLES[which])
    for place, value in changes:
        content[place % len(content)] = value
    check_decodes_or_refuses(bytes(content[: max(1, len(content) - cut % len(content))]))


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_are_refused_or_pixels(content: bytes) -> None:
    check_decodes_or_refuses(content)


def check_decodes_or_refuses(
    content: bytes, decode: Callable[..., np.ndarray] = decode_image
) -> None:
    try:
        image = decode(content, "x", window=(0, 4095), max_pixels=1_000_000)
    except ImageError as problem:
        assert str(problem).startswith("x: ")  # noqa: PT017 - either is right
    else:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert 0 < image.size <= 3_000_000
