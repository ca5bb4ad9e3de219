"""LabelMe shapes become masks of their area; what has none is refused."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import LayoutError
from span_train.data.layout_labelme import read_labelme
from tests.data.layout_drawings import BODY, LEAD, SHAPE, corners, labelme, mask, shape_of

FILE = Path("a.json")


def read(*shapes: dict[str, Any], **content: Any) -> dict[str, Any]:
    return read_labelme(FILE, labelme(*shapes) | content, "a.png", SHAPE)


def packed(inside: Any) -> str:
    """A mask as LabelMe saves it."""
    buffer = io.BytesIO()
    Image.fromarray(inside).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("kind", ["polygon", "oriented_rectangle"])
def test_outlines_cover_their_pixels(kind: str) -> None:
    parts = read(shape_of("body", corners(BODY), kind), shape_of("lead", corners(LEAD), kind))
    assert np.array_equal(parts["body"], mask(BODY))
    assert np.array_equal(parts["lead"], mask(LEAD))


@pytest.mark.parametrize("points", [[(20, 20), (60, 40)], [(60, 20), (20, 40)]])
def test_a_rectangle_may_be_drawn_from_any_corner(points: list[tuple[int, int]]) -> None:
    assert np.array_equal(read(shape_of("body", points, "rectangle"))["body"], mask(BODY))


def test_a_circle_has_its_area_and_is_cut_at_the_border() -> None:
    whole = read(shape_of("hole", [(30, 20), (30, 10)], "circle"))["hole"]
    assert whole.sum() == pytest.approx(np.pi * 100, rel=0.02)
    assert whole[20, 30]
    cut = read(shape_of("hole", [(0, 20), (0, 10)], "circle"))["hole"]
    assert cut.sum() == pytest.approx(np.pi * 50, rel=0.05)


def test_a_mask_is_laid_at_its_corner() -> None:
    small = np.array([[True, False], [True, True]])
    drawn = shape_of("pin", [(5, 7), (6, 8)], "mask") | {"mask": packed(small)}
    inside = read(drawn)["pin"]
    assert np.array_equal(inside[7:9, 5:7], small)
    assert inside.sum() == 3
    beyond = shape_of("pin", [(59, -1), (60, 0)], "mask") | {"mask": packed(small)}
    assert np.argwhere(read(beyond)["pin"]).tolist() == [[0, 59]]


def test_shapes_of_one_label_are_united_and_blanks_around_it_do_not_count() -> None:
    parts = read(shape_of("metal", corners(BODY)), shape_of(" metal ", corners(LEAD)))
    assert list(parts) == ["metal"]
    assert np.array_equal(parts["metal"], mask(BODY) | mask(LEAD))


@pytest.mark.parametrize("kind", ["line", "linestrip", "point", "points", "cuboid"])
def test_a_shape_without_an_area_is_refused_with_those_that_have_one(kind: str) -> None:
    with pytest.raises(LayoutError, match=rf"shape 2 \(lead\): a {kind} has no area; use polygon,"):
        read(shape_of("body", corners(BODY)), shape_of("lead", corners(LEAD), kind))


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (shape_of("pin", [(1, 1), (2, 2)]), "an outline of 2 points; draw at least three"),
        (shape_of("pin", [(1, 1)], "circle"), "a circle of 1 points, expected 2"),
        (shape_of("pin", [(1, 1), (2, 2)], "mask"), "its mask cannot be read"),
        (
            shape_of("pin", [(1, 1), (2, 2)], "mask") | {"mask": "bm8gcGljdHVyZQ=="},
            "its mask cannot be read",
        ),
        (
            shape_of("pin", [(1, 1), (5, 1), (5, 400)]),
            r"point \(5, 400\) lies outside of the exemplar's 60x40",
        ),
    ],
)
def test_a_damaged_shape_is_named(drawn: dict[str, Any], expected: str) -> None:
    with pytest.raises(LayoutError, match=rf"a\.json: shape 1 \(pin\): .*{expected}"):
        read(drawn)


def test_a_drawing_of_another_size_is_refused() -> None:
    drawn = labelme(shape_of("pin", corners(LEAD)), size=(80, 60))
    with pytest.raises(LayoutError, match="drawn on 60x80 pixels, but the exemplar has 60x40"):
        read_labelme(FILE, drawn, "a.png", SHAPE)


def test_a_drawing_on_another_image_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"drawn on b\.png, but the exemplar is a\.png"):
        read(shape_of("pin", corners(LEAD)), imagePath="photos/b.png")


def test_an_outline_that_crosses_itself_is_refused_with_the_place() -> None:
    bow = [(0, 0), (20, 20), (20, 0), (0, 20)]
    with pytest.raises(LayoutError, match=r"shape 1 \(pin\): its outline crosses .*\(10, 10\)"):
        read(shape_of("pin", bow))


def test_an_empty_drawing_is_refused() -> None:
    with pytest.raises(LayoutError, match="holds no shape"):
        read()


@pytest.mark.parametrize(
    "shapes",
    [
        "none",
        [{"label": "pin"}],
        [{"points": [[1, 1]]}],
        [shape_of("pin", [(1, float("nan")), (2, 2), (3, 3)])],
        [shape_of("pin", [(1, 1, 1)])],
    ],
)
def test_what_is_no_labelme_is_refused(shapes: Any) -> None:
    with pytest.raises(LayoutError, match=r"a\.json: no LabelMe JSON: shapes"):
        read(shapes=shapes)
