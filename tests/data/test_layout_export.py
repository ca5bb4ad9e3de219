"""What is exported for LabelMe and COCO reads back as exactly the same masks."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from span_train.data.layout_export import ExportKind, export_parts, labelme_json
from span_train.data.layout_masks import Exemplar, Masks, read_masks
from tests.data.layout_drawings import BODY, LEAD, SHAPE, exemplar, mask

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[tuple[Exemplar, ...], tuple[Masks, ...]]:
    """One or two exemplars of different sizes, each with some named masks."""
    exemplars, drawn = [], []
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    for stem in ("a", "b")[: draw(st.integers(1, 2))]:
        shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
        masks = {name: draw(arrays(np.bool_, shape)) for name in names}
        assume(all(one.any() for one in masks.values()))
        exemplars.append(Exemplar(Path("photos") / f"{stem}.png", shape))
        drawn.append(masks)
    return tuple(exemplars), tuple(drawn)


@pytest.mark.parametrize("kind", ["labelme", "coco"])
@given(drawing=drawings())
def test_any_parts_come_back(
    kind: ExportKind, drawing: tuple[tuple[Exemplar, ...], tuple[Masks, ...]]
) -> None:
    exemplars, drawn = drawing
    with tempfile.TemporaryDirectory() as folder:
        again = read_masks(export_parts(kind, exemplars, drawn, Path(folder)), exemplars)
    for before, after in zip(drawn, again, strict=True):
        assert before.keys() == after.keys()
        for name in before:
            assert np.array_equal(before[name], after[name])


def test_a_part_without_a_hole_is_polygons_that_can_be_moved() -> None:
    parts = {"lead": mask(LEAD) | mask(BODY)}
    shapes = labelme_json(exemplar(), parts, Path("photos"))["shapes"]
    assert [shape["shape_type"] for shape in shapes] == ["polygon", "polygon"]
    assert {len(shape["points"]) for shape in shapes} == {4}


def test_labelme_finds_the_image_from_the_folder_of_its_file(tmp_path: Path) -> None:
    drawn_on = Exemplar(tmp_path / "photos" / "a.png", SHAPE)
    written = labelme_json(drawn_on, {"lead": mask(LEAD)}, tmp_path / "out")
    assert written["imagePath"] == "../photos/a.png"
