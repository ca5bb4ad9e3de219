"""What an engineer does in the layout editor, in a real browser with a real mouse and keyboard."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.layout_drawing.transistor import BODY, LEADS, LINE, SIZE
from tests.layout_editor.conftest import EditorPage

pytestmark = pytest.mark.browser


def _inspect(*arguments: object) -> str:
    code = "from inspect_app.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _corners(box: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_a_transistor_is_drawn_at_a_person_s_pace_in_under_three_minutes_and_used(
    open_editor: EditorPage, line: Path, tmp_path: Path
) -> None:
    hand = open_editor(line, pause_ms=150)
    started = time.monotonic()
    hand.new_part("body")
    hand.click(*_corners(BODY))
    hand.press("Enter")
    hand.new_part("lead")
    hand.box(*LEADS[0])
    hand.press("w")  # three of them in a row
    hand.page.keyboard.down("Shift")
    hand.drag((160, 180), (201, 182))
    hand.page.keyboard.up("Shift")
    hand.press("Enter")
    expect(hand.page.locator(".part")).to_have_count(4)
    hand.press("l")
    expect(hand.page.locator(".grid figure")).to_have_count(12)
    hand.press("Escape", "Control+s")
    expect(hand.page.locator(".toast")).to_contain_text("Saved as layouts/v1")
    assert time.monotonic() - started < 180
    expect(hand.page.locator(".remarks")).to_have_text("✓ Nothing is wrong.")
    for name, box in zip(("body", "lead_1", "lead_2", "lead_3"), (BODY, *LEADS), strict=True):
        with Image.open(line.parent / "layouts" / "v1" / "masks" / f"{name}.png") as mask:
            drawn, (left, top, right, bottom) = np.asarray(mask) > 127, box
        truth = np.zeros(SIZE, np.bool_)
        truth[top:bottom, left:right] = True
        assert (drawn & truth).sum() / (drawn | truth).sum() > 0.93, name
    assert "lead_3: " in _inspect("layout", line, "--out", tmp_path / "layout")
    _inspect("pretrain", line, "--out", tmp_path / "run")


def test_shapes_are_changed_by_corner_by_key_and_taken_back(
    open_editor: EditorPage, line: Path
) -> None:
    hand = open_editor(line)
    hand.box(100, 30, 220, 120)
    hand.press("v")
    hand.drag((220, 120), (240, 130))
    (corner,) = [p for p in hand.parts()[0]["shapes"][0]["points"] if p[0] > 230]
    assert corner == pytest.approx([240, 130], abs=0.5)
    hand.press("Delete")  # the corner that was moved
    assert len(hand.parts()[0]["shapes"][0]["points"]) == 3
    hand.press("Control+z", "Control+z")
    assert len(hand.parts()[0]["shapes"][0]["points"]) == 4
    assert hand.parts()[0]["shapes"][0]["points"][2][0] == pytest.approx(220, abs=0.5)
    hand.press("Control+Shift+z")
    assert hand.parts()[0]["shapes"][0]["points"][2][0] == pytest.approx(240, abs=0.5)
    hand.click((150, 70))
    before = hand.parts()[0]["shapes"][0]["points"]
    hand.press("ArrowRight", "Shift+ArrowDown")
    moved = hand.parts()[0]["shapes"][0]["points"]
    assert moved == [pytest.approx([x + 1, y + 10], abs=0.01) for x, y in before]
    hand.press("Control+d")
    assert len(hand.parts()[0]["shapes"]) == 2
    hand.press("Delete")
    assert len(hand.parts()[0]["shapes"]) == 1
    middle = [(a + b) / 2 for a, b in zip(moved[0], moved[1], strict=True)]
    hand.click((150, 70))
    hand.drag((middle[0], middle[1]), (middle[0], middle[1] - 8))
    assert len(hand.parts()[0]["shapes"][0]["points"]) == 5


def test_brush_eraser_and_ring_draw_and_cut(open_editor: EditorPage, line: Path) -> None:
    hand = open_editor(line)
    hand.new_part("blob")
    hand.press("b", "]", "]")
    hand.drag((60, 60), (90, 80), (120, 60))
    hand.press("e")
    hand.drag((90, 50), (90, 100))
    hand.new_part("hub")
    hand.press("r")
    hand.drag((240, 120), (240, 170))
    hand.click((240, 145))
    hand.answered()
    blob, hub = hand.parts()
    assert [shape["cut"] for shape in blob["shapes"]] == [False, True]
    assert hub["shapes"][0]["centre"] == pytest.approx([240, 120], abs=0.5)
    assert (hub["shapes"][0]["outer"], hub["shapes"][0]["inner"]) == pytest.approx(
        (50, 25), abs=0.7
    )
    ring = np.pi * (50**2 - 25**2) / (SIZE[0] * SIZE[1])
    assert hand.editor.evaluate("it => it.editor.shares[1]") == pytest.approx(ring, rel=0.03)
    hand.press("1", "c")  # both strokes become outlines with corners
    hand.answered()
    assert {shape["kind"] for shape in hand.parts()[0]["shapes"]} == {"polygon"}


def test_what_is_wrong_is_said_at_once_and_is_not_saved(
    open_editor: EditorPage, line: Path
) -> None:
    hand = open_editor(line)
    hand.new_part("body")
    hand.click((100, 30), (220, 120), (220, 30), (100, 120))
    hand.press("Enter")
    remarks = hand.page.locator(".remarks")
    expect(remarks).to_contain_text("An outline of body crosses itself near (160, 75)")
    hand.new_part("Body")
    hand.box(20, 150, 100, 220)
    expect(remarks).to_contain_text("Two parts are called body")
    hand.new_part("everything")
    hand.box(-5, -5, 330, 250)
    expect(remarks).to_contain_text("everything covers 100% of the image")
    hand.answered()
    hand.press("Control+s")
    expect(hand.page.locator(".toast.wrong")).to_be_visible()
    assert line.read_text("utf-8") == LINE
    assert not (line.parent / "layouts").exists()


def test_what_was_not_saved_survives_a_reload_and_can_be_thrown_away(
    open_editor: EditorPage, line: Path
) -> None:
    hand = open_editor(line)
    hand.new_part("body")
    hand.box(100, 30, 220, 120)
    hand.answered()
    drawn = hand.parts()
    hand.page.on("dialog", lambda dialog: dialog.accept())
    hand.page.reload()
    expect(hand.page.locator(".toast.shown")).to_contain_text("What was not saved")
    assert hand.parts() == drawn
    hand.press("Control+z")
    assert hand.parts() == []


def test_names_are_text_and_nothing_is_fetched_from_elsewhere(
    open_editor: EditorPage, line: Path
) -> None:
    hand = open_editor(line)
    asked: list[str] = []
    hand.page.on("request", lambda request: asked.append(request.url))
    hand.new_part("<img src=x onerror=document.title=1>")
    hand.box(100, 30, 220, 120)
    hand.new_part("<img src=x onerror=document.title=1>")
    hand.answered()
    expect(hand.page.locator(".remarks")).to_contain_text("<img src=x")
    assert hand.page.title() == "Layout editor"
    here = hand.page.url.rstrip("/")
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []


def test_letters_typed_into_a_name_are_no_commands(open_editor: EditorPage, line: Path) -> None:
    hand = open_editor(line)
    hand.new_part("mwanvx 12")
    (part,) = hand.parts()
    assert part["name"] == "mwanvx 12"
    hand.press("F2")
    hand.page.keyboard.type("lead")
    hand.press("Enter")
    assert hand.parts()[0]["name"] == "lead"
