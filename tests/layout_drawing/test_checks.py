"""What is wrong with a drawing is said while it is drawn, and keeps it from being saved."""

import numpy as np
import pytest

from inspect_app.layout_drawing.checks import Looked, Remark, look_over
from inspect_app.layout_drawing.drawing import Drawing, Part, Polygon, Ring, Stroke
from tests.layout_drawing.shapes import ROOM, SHAPE, box, part

BODY = part("body", box(20, 10, 40, 30))
LEAD = part("lead", box(2, 10, 14, 30))


def looked(*parts: Part) -> Looked:
    return look_over(Drawing(parts=parts), SHAPE, ROOM)


def only(*parts: Part) -> Remark:
    (remark,) = looked(*parts).remarks
    return remark


def test_a_good_drawing_has_no_remark_and_its_areas() -> None:
    found = looked(BODY, LEAD)
    assert found.remarks == ()
    assert [int(mask.sum()) for mask in found.masks] == [400, 240]
    # 400 of 2400 pixels are a sixth of 196 patches
    assert found.patches == pytest.approx((196 / 6, 19.6), rel=0.01)


def test_nothing_drawn_is_an_error() -> None:
    assert only().text == "Nothing is drawn yet: add a part and draw it."


def test_a_self_crossing_outline_is_shown_where_it_crosses() -> None:
    bow = Polygon(points=((20, 10), (40, 30), (40, 10), (20, 30)))
    remark = only(part("body", bow))
    assert (remark.level, remark.part) == ("error", 0)
    assert remark.at == pytest.approx((30, 20))
    assert "An outline of body crosses itself near (30, 20)" in remark.text


def test_two_parts_of_one_name_are_errors_even_in_other_letters() -> None:
    first, second = looked(BODY, part("Body", box(2, 10, 14, 30))).remarks
    assert (first.part, second.part, first.level) == (0, 1, "error")
    assert "Two parts are called body" in first.text


@pytest.mark.parametrize("name", ["", "a/b", " body", "elsewhere"])
def test_a_name_that_cannot_be_used_is_an_error(name: str) -> None:
    assert only(part(name, box(20, 10, 40, 30))).level == "error"


def test_a_part_outside_of_the_image_is_an_error() -> None:
    remark = only(part("body", box(100, 10, 120, 30)))
    assert (remark.level, remark.text) == (
        "error",
        "body lies outside of the image: move it in, or remove it.",
    )


@pytest.mark.parametrize(
    "shape", [box(30, 10, 70, 30), Ring(centre=(55, 20), outer=12), box(-9, 10, 20, 30)]
)
def test_a_part_that_reaches_out_is_a_warning(shape: Polygon | Ring) -> None:
    remark = only(part("body", shape))
    assert remark.level == "warning"
    assert "body reaches out of the image" in remark.text


def test_a_brush_that_slips_over_the_edge_is_fine() -> None:
    assert looked(part("rim", Stroke(points=((0, 0), (60, 0)), radius=6))).remarks == ()


def test_a_part_that_covers_everything_is_an_error() -> None:
    remark = only(part("all", box(-1, -1, 61, 41)))
    assert remark.level == "error"
    assert "all covers 100% of the image" in remark.text


def test_a_part_below_one_patch_is_an_error() -> None:
    remark = only(part("dot", box(30, 20, 32, 22)))
    assert remark.level == "error"
    assert "dot has 0.33 patches of area, and needs one" in remark.text
    assert remark.at == (31.0, 21.0)


def test_parts_that_overlap_are_errors_beyond_five_percent_and_warnings_below() -> None:
    remark = only(BODY, part("lead", box(4, 10, 22, 30)))
    assert (remark.level, remark.part) == ("error", 1)
    assert "body and lead share 11.1% of the smaller one; at most 5% is allowed" in remark.text
    assert only(BODY, part("lead", box(0, 10, 20.6, 30))).level == "warning"


def test_more_parts_than_heads_can_hold_are_an_error() -> None:
    parts = [part(f"p{place}", box(place * 10, 10, place * 10 + 9, 30)) for place in range(5)]
    assert "5 parts, but a network with 6 heads can hold 4" in only(*parts).text


def test_everything_erased_and_nothing_drawn_are_told_apart() -> None:
    erased = part("body", box(20, 10, 40, 30), box(0, 0, 60, 40, cut=True))
    assert "Everything of body is erased" in only(erased).text
    assert "body has no shape yet" in only(part("body")).text


def test_errors_come_first() -> None:
    found = looked(part("body", box(30, 10, 70, 30)), part("dot", box(3, 3, 4, 4)))
    assert [one.level for one in found.remarks] == ["error", "warning"]
    assert found.errors == found.remarks[:1]
    assert isinstance(found.masks[0], np.ndarray)
