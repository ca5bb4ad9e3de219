"""Several exemplars are averaged in the frame of the first; each is checked by itself."""

from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import LayoutError
from span_train.data.layout_exemplars import layout_from_exemplars
from tests.data.layout_drawings import (
    BODY,
    LEAD,
    corners,
    draw,
    exemplar,
    labelme,
    mask,
    shape_of,
    write_json,
)

A, B, C = exemplar("a.png"), exemplar("b.png"), exemplar("c.png")


def test_one_exemplar_gives_its_masks_ordered_by_name(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", LEAD)
    draw(tmp_path / "body.png", BODY)
    made = layout_from_exemplars(tmp_path, [A])
    assert (made.names, made.source, made.remarks) == (("body", "lead"), "exemplar", ())
    assert np.array_equal(made.masks_khw, np.stack([mask(BODY), mask(LEAD)]))
    assert made.masks_khw.dtype == np.float32


def test_masks_are_averaged(tmp_path: Path) -> None:
    draw(tmp_path / "lead" / "a.png", (0, 0, 10, 10))
    draw(tmp_path / "lead" / "b.png", (5, 0, 15, 10))
    made = layout_from_exemplars(tmp_path, [A, B])
    row = made.masks_khw[0, 5]
    assert row[:5].tolist() == [0.5] * 5
    assert row[5:10].tolist() == [1.0] * 5
    assert row[10:15].tolist() == [0.5] * 5
    assert not row[15:].any()
    assert made.remarks == ()


def test_a_part_that_is_missing_on_some_is_averaged_over_the_others(tmp_path: Path) -> None:
    for name in "abc":
        draw(tmp_path / "body" / f"{name}.png", BODY)
    draw(tmp_path / "lead" / "b.png", LEAD)
    made = layout_from_exemplars(tmp_path, [A, B, C])
    assert made.masks_khw[1].max() == 1
    assert made.remarks == ("part lead is not on a.png, c.png; averaged over 1 of 3 exemplars",)


def test_another_size_is_stretched_to_the_first_exemplars(tmp_path: Path) -> None:
    draw(tmp_path / "body" / "a.png", BODY)
    draw(tmp_path / "body" / "b.png", tuple(2 * edge for edge in BODY), (80, 120))  # type: ignore[arg-type]
    draw(tmp_path / "body" / "c.png", (10, 10, 30, 20), (20, 30))
    made = layout_from_exemplars(
        tmp_path, [A, exemplar("b.png", (80, 120)), exemplar("c.png", (20, 30))]
    )
    assert made.masks_khw.shape == (1, 40, 60)
    assert np.abs(made.masks_khw[0] - mask(BODY)).mean() < 0.02
    assert made.remarks == (
        "b.png (120x80) is stretched to the 60x40 of a.png",
        "c.png (30x20) is stretched to the 60x40 of a.png",
    )


def test_parts_that_share_more_than_a_twentieth_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "body.png", (0, 0, 30, 40))
    draw(tmp_path / "lead.png", (28, 0, 48, 20))
    with pytest.raises(LayoutError, match=r"body and lead share 10% of the smaller one on a\.png"):
        layout_from_exemplars(tmp_path, [A])


def test_a_small_overlap_is_only_remarked_once_with_the_worst_exemplar(tmp_path: Path) -> None:
    for name, left in (("a", 29), ("b", 30), ("c", 29)):
        draw(tmp_path / "body" / f"{name}.png", (0, 0, 30, 40))
        draw(tmp_path / "lead" / f"{name}.png", (left, 0, 59, 20))
    assert layout_from_exemplars(tmp_path, [A]).remarks == ("body and lead overlap by 3.3%",)
    (remark,) = layout_from_exemplars(tmp_path, [B, A]).remarks
    assert remark == "body and lead overlap by 3.3% on a.png"


def test_soft_borders_of_the_average_are_no_overlap(tmp_path: Path) -> None:
    for name, edge in (("a", 20), ("b", 40)):
        draw(tmp_path / "left" / f"{name}.png", (0, 0, edge, 40))
        draw(tmp_path / "right" / f"{name}.png", (edge, 0, 60, 40))
    made = layout_from_exemplars(tmp_path, [A, B])
    assert (made.masks_khw.min(axis=0) > 0).mean() == pytest.approx(1 / 3)
    assert made.remarks == ()


def test_two_exemplars_of_one_name_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "lead" / "a.png", LEAD)
    with pytest.raises(LayoutError, match=r"a\.jpg: has the same name as .*a\.png"):
        layout_from_exemplars(tmp_path, [A, exemplar("a.jpg")])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("free", "may not be called free"), ("../pin", "is called '../pin'"), ("  ", "is called ''")],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    file = write_json(tmp_path / "a.json", labelme(shape_of(name, corners(LEAD))))
    with pytest.raises(LayoutError, match=f"a part {expected}|a part may not"):
        layout_from_exemplars(file, [A])


def test_a_part_without_a_pixel_is_refused(tmp_path: Path) -> None:
    drawn = labelme(shape_of("pin", [(5, 5), (5, 5), (5, 5)]))
    with pytest.raises(LayoutError, match=r"part pin covers no pixel of a\.png; draw it larger"):
        layout_from_exemplars(write_json(tmp_path / "a.json", drawn), [A])


def test_a_part_that_covers_everything_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "all.png", (0, 0, 60, 40))
    with pytest.raises(LayoutError, match=r"part all covers 100% of a\.png; .*draw it smaller"):
        layout_from_exemplars(tmp_path, [A])


def test_names_that_differ_in_capitals_alone_are_refused(tmp_path: Path) -> None:
    content = labelme(shape_of("Pin", corners(LEAD)), shape_of("pin", corners(BODY)))
    with pytest.raises(LayoutError, match="parts Pin and pin differ in capitals alone"):
        layout_from_exemplars(write_json(tmp_path / "a.json", content), [A])
