"""COCO annotations of the exemplar's image become masks; boxes alone do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from span_train.contract.errors import LayoutError
from span_train.data.layout_coco import read_coco
from tests.data.layout_drawings import BODY, LEAD, SHAPE, coco, flat, mask

FILE = Path("parts.json")


def read(content: dict[str, Any], name: str = "a.png") -> dict[str, Any]:
    return read_coco(FILE, content, name, SHAPE)


def runs(inside: Any) -> list[int]:
    """Plain run lengths, by counting."""
    counts, value = [0], False
    for pixel in inside.ravel(order="F"):
        if bool(pixel) != value:
            counts.append(0)
            value = bool(pixel)
        counts[-1] += 1
    return counts


def packed(inside: Any) -> dict[str, Any]:
    rle = coco_mask.encode(np.asfortranarray(inside, np.uint8))
    return {"size": list(rle["size"]), "counts": rle["counts"].decode()}


def test_polygons_and_run_lengths_give_the_same_masks() -> None:
    both = mask(BODY) | mask(LEAD)
    for drawn in (
        [flat(BODY), flat(LEAD)],
        packed(both),
        {"size": list(SHAPE), "counts": runs(both)},
    ):
        assert np.array_equal(read(coco(("metal", drawn)))["metal"], both)


def test_annotations_of_one_category_are_united_and_other_images_are_left_out() -> None:
    content = coco(("metal", [flat(BODY)]), ("metal", [flat(LEAD)]), ("pin", [flat(LEAD)]))
    content["annotations"][2]["image_id"] = 8
    parts = read(content)
    assert list(parts) == ["metal"]
    assert np.array_equal(parts["metal"], mask(BODY) | mask(LEAD))


@pytest.mark.parametrize("file_name", ["a.png", "deep/photos/a.png", "photos\\a.png"])
def test_folders_in_file_names_do_not_matter(file_name: str) -> None:
    assert list(read(coco(("pin", [flat(LEAD)]), file_name=file_name))) == ["pin"]


def test_an_image_that_is_not_there_or_twice_is_refused() -> None:
    content = coco(("pin", [flat(LEAD)]))
    with pytest.raises(LayoutError, match=r"0 images called b\.png, .* such as photos/a\.png"):
        read(content, "b.png")
    content["images"][1]["file_name"] = "elsewhere/a.png"
    with pytest.raises(LayoutError, match=r"holds 2 images called a\.png, expected one"):
        read(content)


def test_another_size_is_refused() -> None:
    content = coco(("pin", [flat(LEAD)]))
    content["images"][0]["width"] = 61
    with pytest.raises(LayoutError, match=r"a\.png has 61x40 pixels there, .* 60x40"):
        read(content)


def test_an_image_without_annotations_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"no annotation of a\.png"):
        read(coco())


@pytest.mark.parametrize(
    ("segmentation", "expected"),
    [
        ([], "has no segmentation, a box at most"),
        ([[1.0, 1.0, 5.0, 5.0]], "an outline of 2 points"),
        ([[0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0, 9.0]], r"its outline crosses itself near \(4, 4\)"),
        ([[1.0, 1.0, 5.0, 5.0, 900.0, 1.0]], r"point \(900, 1\) lies outside"),
        ({"size": [9, 9], "counts": [81]}, "run lengths for 9x9 pixels"),
        ({"size": list(SHAPE), "counts": [5, 5]}, "damaged run lengths"),
        ({"size": list(SHAPE), "counts": [2405, -5]}, "damaged run lengths"),
        ({"size": list(SHAPE), "counts": "é~~"}, "damaged run lengths"),
        ({"size": list(SHAPE), "counts": ""}, "damaged run lengths"),
    ],
)
def test_a_damaged_segmentation_is_named(segmentation: Any, expected: str) -> None:
    with pytest.raises(LayoutError, match=rf"annotation 1 \(pin\): .*{expected}"):
        read(coco(("pin", segmentation)))


def test_run_lengths_that_end_too_early_are_refused() -> None:
    short = packed(mask(BODY, (20, 60)))["counts"]
    with pytest.raises(LayoutError, match="damaged run lengths"):
        read(coco(("pin", {"size": list(SHAPE), "counts": short})))


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_what_is_no_coco_is_refused(key: str) -> None:
    content = coco(("pin", [flat(LEAD)]))
    content[key] = [{"id": 1}]
    with pytest.raises(
        LayoutError, match=f"no COCO JSON: {key}" if key != "annotations" else "no COCO"
    ):
        read(content)


def test_two_categories_of_one_name_are_refused() -> None:
    content = coco(("body", [flat(BODY)]), ("pin", [flat(LEAD)]))
    content["categories"][1]["name"] = "body"
    with pytest.raises(LayoutError, match="two categories are called body"):
        read(content)


def test_an_unknown_category_is_refused() -> None:
    content = coco(("pin", [flat(LEAD)]))
    content["annotations"][0]["category_id"] = 99
    with pytest.raises(LayoutError, match="annotation 1 is of no category"):
        read(content)
