"""The kind of a drawing is told by what it holds, whatever its name."""

import sys
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import LayoutError
from span_train.data.layout_masks import Masks, read_masks
from tests.data.layout_drawings import (
    BODY,
    LEAD,
    coco,
    corners,
    draw,
    exemplar,
    flat,
    labelme,
    mask,
    shape_of,
    write_json,
    write_label_map,
)

ONE, TWO = (exemplar("a.png"),), (exemplar("a.png"), exemplar("b.png"))
SHAPES = labelme(shape_of("body", corners(BODY)), shape_of("lead", corners(LEAD)))
ANNOTATIONS = coco(("body", [flat(BODY)]), ("lead", [flat(LEAD)]))


def same(parts: Masks) -> bool:
    """Whether these are the two parts of every drawing here."""
    expected = {"body": mask(BODY), "lead": mask(LEAD)}
    return parts.keys() == expected.keys() and all(
        np.array_equal(parts[name], inside) for name, inside in expected.items()
    )


def write_maps(folder: Path) -> Path:
    write_label_map(folder / "a.png", {1: BODY, 2: LEAD})
    write_label_map(folder / "b.png", {1: BODY})
    return write_json(folder / "names.json", {"1": "body", "2": "lead"})


def test_every_kind_of_drawing_gives_the_same_parts(tmp_path: Path) -> None:
    draw(tmp_path / "files" / "body.png", BODY)
    draw(tmp_path / "files" / "lead.png", LEAD)
    write_maps(tmp_path / "maps")
    shapes = write_json(tmp_path / "shapes", SHAPES)
    annotations = write_json(tmp_path / "annotations.txt", ANNOTATIONS)
    for drawn in ("files", "maps", "maps/a.png", shapes, annotations):
        (parts,) = read_masks(tmp_path / drawn, ONE)
        assert same(parts), drawn


def test_several_exemplars_have_their_own_files(tmp_path: Path) -> None:
    draw(tmp_path / "files" / "body" / "a.png", BODY)
    draw(tmp_path / "files" / "lead" / "a.png", LEAD)
    draw(tmp_path / "files" / "body" / "b.png", BODY)
    write_maps(tmp_path / "maps")
    write_json(tmp_path / "shapes" / "a.json", SHAPES)
    second = labelme(shape_of("body", corners(BODY))) | {"imagePath": "..\\photos\\B.jpg"}
    write_json(tmp_path / "shapes" / "b.json", second)
    draw(tmp_path / "shapes" / "a.png", BODY)  # LabelMe saves its JSON beside the photograph
    for drawn in ("files", "maps", "shapes"):
        first, second = read_masks(tmp_path / drawn, TWO)
        assert same(first), drawn
        assert list(second) == ["body"]


def test_one_coco_file_holds_all_exemplars(tmp_path: Path) -> None:
    content = coco(("body", [flat(BODY)]), ("lead", [flat(LEAD)]))
    content["images"][1] = {"id": 8, "file_name": "b.png"}
    content["annotations"][1]["image_id"] = 8
    first, second = read_masks(write_json(tmp_path / "parts.json", content), TWO)
    assert (list(first), list(second)) == (["body"], ["lead"])


def test_a_file_of_one_image_is_refused_for_two_exemplars(tmp_path: Path) -> None:
    write_maps(tmp_path / "maps")
    write_json(tmp_path / "a.json", SHAPES)
    for drawn, suffix in (("maps/a.png", "png"), ("a.json", "json")):
        with pytest.raises(LayoutError, match=rf"2 exemplars, but .*<exemplar's name>\.{suffix}"):
            read_masks(tmp_path / drawn, TWO)


@pytest.mark.parametrize(("kind", "missing"), [("maps", "b.png"), ("shapes", "b.json")])
def test_an_exemplar_without_its_file_is_refused(tmp_path: Path, kind: str, missing: str) -> None:
    write_maps(tmp_path / "maps")
    (tmp_path / "maps" / "b.png").unlink()
    write_json(tmp_path / "shapes" / "a.json", SHAPES)
    with pytest.raises(LayoutError, match=rf"{missing}: does not exist; .* of b\.png belongs"):
        read_masks(tmp_path / kind, TWO)


def test_names_may_lie_elsewhere_but_only_for_label_maps(tmp_path: Path) -> None:
    names = write_maps(tmp_path / "maps").rename(tmp_path / "elsewhere.json")
    with pytest.raises(LayoutError, match=r"set layout\.names"):
        read_masks(tmp_path / "maps" / "a.png", ONE)
    (parts,) = read_masks(tmp_path / "maps" / "a.png", ONE, names)
    assert same(parts)
    shapes = write_json(tmp_path / "a.json", SHAPES)
    with pytest.raises(LayoutError, match=r"a\.json: layout\.names .* and this is none"):
        read_masks(shapes, ONE, names)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is neither PNG nor JSON"),
        (b"GIF89a", "is neither PNG nor JSON"),
        (b"\xff\xd8\xff\xe0 JPEG", "is neither PNG nor JSON"),
        (b"[" * 100_000, "is neither PNG nor JSON"),
        (b"[1]", "JSON of a list"),
        (b'{"a": 1, "b": 2}', "JSON with the keys a, b"),
        (b"{}", "JSON with the keys none"),
    ],
)
def test_a_file_of_no_known_kind_is_refused_with_those_known(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "drawn").write_bytes(content)
    with pytest.raises(LayoutError, match=f"drawn: {expected}.*label-map PNG .*LabelMe JSON"):
        read_masks(tmp_path / "drawn", ONE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"none: cannot be read .*expected a folder"):
        read_masks(tmp_path / "none", ONE)


def test_without_the_package_for_shapes_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("layout_shapes", "layout_coco", "layout_labelme"):
        monkeypatch.delitem(sys.modules, f"span_train.data.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(
        LayoutError, match=r"pip install 'inspect-span\[train\]', or give mask PNGs"
    ):
        read_masks(write_json(tmp_path / "a.json", SHAPES), ONE)
