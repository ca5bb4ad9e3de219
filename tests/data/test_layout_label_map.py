"""A label map is read by its indices, and every index needs a name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import LayoutError
from span_train.data.layout_label_map import find_names, read_label_map, read_names
from tests.data.layout_drawings import BODY, LEAD, SHAPE, mask, write_label_map


def test_a_palette_is_read_by_its_indices_not_its_colours(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY, 2: LEAD})
    parts = read_label_map(file, {1: "body", 2: "lead"}, SHAPE)
    assert np.array_equal(parts["body"], mask(BODY))
    assert np.array_equal(parts["lead"], mask(LEAD))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_pngs_of_8_and_16_bits_are_indices(
    tmp_path: Path, kind: type[np.unsignedinteger]
) -> None:
    index = 200 if kind is np.uint8 else 3000
    Image.fromarray((mask(BODY) * index).astype(kind)).save(tmp_path / "a.png")
    parts = read_label_map(tmp_path / "a.png", {index: "body"}, SHAPE)
    assert np.array_equal(parts["body"], mask(BODY))


def test_indices_of_one_name_are_one_part_and_null_is_none(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY, 2: LEAD, 255: (30, 0, 60, 10)})
    parts = read_label_map(file, {1: "metal", 2: "metal", 255: None}, SHAPE)
    assert np.array_equal(parts["metal"], mask(BODY) | mask(LEAD))


def test_index_0_is_a_part_only_if_it_is_named(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY})
    assert list(read_label_map(file, {1: "body"}, SHAPE)) == ["body"]
    assert set(read_label_map(file, {0: "around", 1: "body"}, SHAPE)) == {"around", "body"}


def test_indices_without_a_name_are_listed(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY, 4: LEAD, 9: (30, 0, 60, 10)})
    with pytest.raises(LayoutError, match=r"a\.png: holds indices without a name: 4, 9; name each"):
        read_label_map(file, {1: "body"}, SHAPE)


def test_a_map_of_no_part_is_refused(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {})
    with pytest.raises(LayoutError, match="no pixel of a named part; indices in it: 0"):
        read_label_map(file, {1: "body"}, SHAPE)


def test_colours_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.png")
    Image.new("L", (60, 40)).save(tmp_path / "b.png", format="JPEG")
    for name, found in (("a.png", "PNG of mode RGB"), ("b.png", "JPEG of mode L")):
        with pytest.raises(LayoutError, match=f"a {found} holds colours, not indices"):
            read_label_map(tmp_path / name, {1: "body"}, SHAPE)


def test_another_size_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY})
    with pytest.raises(LayoutError, match=r"a\.png: 60x40 pixels, but the exemplar has 80x40"):
        read_label_map(file, {1: "body"}, (40, 80))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(LayoutError, match=r"a\.png: is no readable label map"):
        read_label_map(file, {1: "body"}, SHAPE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("names.json", '{"1": "body", "2": "lead", "255": null}'),
        ("names.yaml", "1: body\n2: ' lead '\n255: null\n"),
    ],
)
def test_names_may_be_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_names(tmp_path / name) == {1: "body", 2: "lead", 255: None}


@pytest.mark.parametrize(
    "text",
    ["", "[body, lead]", "body: 1", "1: 2", "2: on", "-1: body", "1.5: body", "1: [", "\x00"],
)
def test_a_names_file_that_names_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.yaml").write_text(text)
    with pytest.raises(LayoutError, match=r"names\.yaml: .*\{1: body, 2: lead\}"):
        read_names(tmp_path / "names.yaml")


def test_a_missing_names_file_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"set layout\.names"):
        read_names(None)
    with pytest.raises(LayoutError, match="cannot be read"):
        read_names(tmp_path / "none.yaml")


def test_names_are_found_beside_the_map_or_in_the_folder(tmp_path: Path) -> None:
    file = write_label_map(tmp_path / "a.png", {1: BODY})
    assert find_names(file) is find_names(tmp_path) is None
    (tmp_path / "names.json").touch()
    assert find_names(file) == find_names(tmp_path) == tmp_path / "names.json"
    (tmp_path / "a.yaml").touch()
    assert find_names(file) == tmp_path / "a.yaml"
