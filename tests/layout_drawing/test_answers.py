"""What the page asks is answered with a new drawing, pictures, or a sentence."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspect_app.layout_drawing.answers import answer
from inspect_app.layout_drawing.desk import Desk
from inspect_app.layout_drawing.drawing import Drawing, read_drawing
from inspect_app.layout_drawing.rasterise import part_mask
from tests.layout_drawing.shapes import box, part
from tests.layout_drawing.transistor import BODY, LEADS

DRAWN = Drawing(parts=(part("body", box(*BODY)), part("left_lead", box(*LEADS[0]))))


def asked(desk: Desk, drawing: Drawing = DRAWN, **ask: Any) -> dict[str, Any]:
    return answer(desk, drawing.model_dump(mode="json"), ask or None)


def parts_of(told: dict[str, Any]) -> Drawing:
    return read_drawing({"parts": told["parts"]}, "the answer")


def test_a_drawing_alone_gets_its_remarks_and_areas(desk: Desk) -> None:
    told = asked(desk, Drawing(parts=(DRAWN.parts[0], part("dot", box(3, 3, 4, 4)))))
    assert told["remarks"][0]["level"] == "error"
    assert told["remarks"][0]["part"] == 1
    assert told["shares"][0] == pytest.approx(120 * 90 / (240 * 320))
    assert told["patches"][0] == pytest.approx(196 * told["shares"][0], rel=0.01)


def test_a_lead_is_mirrored_into_a_part_of_the_other_name(desk: Desk) -> None:
    drawing = parts_of(asked(desk, kind="mirror", part=1, axis="left-right", at=160.0))
    assert [one.name for one in drawing.parts] == ["body", "left_lead", "right_lead"]
    mirrored = part_mask(drawing.parts[2], desk.shape)
    assert np.array_equal(mirrored, part_mask(part("x", box(*LEADS[2])), desk.shape))


def test_three_leads_come_from_one_in_a_row(desk: Desk) -> None:
    drawing = parts_of(asked(desk, kind="row", part=1, count=3, step=[41, 0]))
    assert [one.name for one in drawing.parts] == [
        "body",
        "left_lead_1",
        "left_lead_2",
        "left_lead_3",
    ]
    assert drawing.parts[2].shapes == (box(*LEADS[1]),)
    assert drawing.parts[3].shapes == (box(*LEADS[2]),)


@pytest.mark.parametrize(
    "ask",
    [
        {"kind": "row", "count": 3, "step": [41, 0]},
        {"kind": "around", "count": 3, "centre": [160, 120]},
        {"kind": "mirror", "axis": "top-bottom", "at": 120},
    ],
)
def test_copies_may_stay_shapes_of_one_part(desk: Desk, ask: dict[str, Any]) -> None:
    drawing = parts_of(asked(desk, part=1, one=True, **ask))
    assert [one.name for one in drawing.parts] == ["body", "left_lead"]
    assert len(drawing.parts[1].shapes) == (2 if ask["kind"] == "mirror" else 3)


def test_statistics_propose_parts_that_fill_the_picture_and_keep_what_is_drawn(desk: Desk) -> None:
    drawing = parts_of(asked(desk, kind="propose", parts=3))
    assert [one.name for one in drawing.parts] == [
        "body",
        "left_lead",
        "region_1",
        "region_2",
        "region_3",
    ]
    regions = sum(part_mask(one, desk.shape).astype(int) for one in drawing.parts[2:])
    assert np.mean(regions == 1) > 0.95
    again = parts_of(asked(desk, drawing, kind="propose", parts=1))
    assert again.parts[-1].name == "region_4"


def test_other_images_are_shown_with_the_parts_carried_over(desk: Desk) -> None:
    samples = asked(desk, kind="look", seed=1)["samples"]
    assert {one["name"] for one in samples} == {f"reel_{n:03d}.png" for n in range(1, 6)}
    for one in samples:
        assert one["told"].startswith(("moved by", "does not fit"))
        with Image.open(io.BytesIO(base64.b64decode(one["jpeg"]))) as picture:
            assert picture.size == (320, 240)


def test_the_same_seed_shows_the_same_images_and_another_one_others(desk: Desk) -> None:
    def names(seed: int) -> list[str]:
        return [one["name"] for one in asked(desk, kind="look", seed=seed)["samples"]]

    assert names(1) == names(1) != names(2)


def test_saving_tells_where(desk: Desk) -> None:
    assert asked(desk, kind="save")["saved"] == "layouts/v1"


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        ({"kind": "outline", "part": 7}, "Choose a part first"),
        ({"kind": "row", "part": 0, "count": 1, "step": [1, 1]}, "something unknown"),
        ({"kind": "erase"}, "something unknown"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, ask: dict[str, Any], expected: str) -> None:
    assert expected in asked(desk, **ask)["problem"]


def test_a_look_at_other_images_without_any_part_is_refused(desk: Desk) -> None:
    assert "Draw a part first" in asked(desk, Drawing(), kind="look", seed=0)["problem"]


def test_what_is_no_drawing_is_refused(desk: Desk) -> None:
    told = answer(desk, {"parts": [{"name": "body", "shapes": [{"kind": "star"}]}]})
    assert told["problem"].startswith("the drawing: is no drawing of parts")
