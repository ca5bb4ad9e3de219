"""Saving a drawing: a new folder each time, three values in the YAML, nothing overwritten."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspect_app.layout_drawing.desk import Desk, open_desk
from inspect_app.layout_drawing.drawing import Drawing
from inspect_app.layout_drawing.rasterise import part_mask
from inspect_app.layout_drawing.saving import BEFORE, save
from span_train.contract.errors import InputError, InspectionError, LayoutError
from span_train.contract.settings import read_settings
from span_train.data.line_layout import make_layout
from tests.layout_drawing.shapes import box, part
from tests.layout_drawing.transistor import BODY, LEADS, LINE

DRAWN = Drawing(
    parts=(
        part("body", box(*BODY)),
        *(part(f"lead_{n}", box(*lead)) for n, lead in enumerate(LEADS, start=1)),
    )
)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_line_uses_exactly_what_was_drawn(desk: Desk) -> None:
    saved = save(desk, DRAWN)
    assert saved.folder == desk.line.parent / "layouts" / "v1"
    layout = make_layout(read_settings(desk.line), None)
    assert layout.names == ("body", "lead_1", "lead_2", "lead_3")
    for one in DRAWN.parts:
        mask = layout.masks_khw[layout.names.index(one.name)]
        assert np.array_equal(mask > 0.5, part_mask(one, desk.shape))


def test_only_the_layout_changes_in_the_yaml(desk: Desk) -> None:
    save(desk, DRAWN)
    assert desk.line.read_text("utf-8") == LINE.replace(
        "  source: statistics   #",
        "  exemplar: images/reel_000.png\n  masks: layouts/v1/masks\n  source: exemplar   #",
    )


def test_each_save_is_a_version_of_its_own_and_nothing_before_it_is_touched(desk: Desk) -> None:
    save(desk, DRAWN)
    before = tree(desk.line.parent)
    second = save(open_desk(desk.line), Drawing(parts=DRAWN.parts[:2]))
    after = tree(desk.line.parent)
    assert second.version == 2
    assert {name: after[name] for name in before if name != "line.yaml"} == {
        name: content for name, content in before.items() if name != "line.yaml"
    }
    assert after[f"layouts/v2/{BEFORE}"] == before["line.yaml"]
    assert make_layout(read_settings(desk.line), None).names == ("body", "lead_1")


def test_masks_drawn_elsewhere_stay_where_they_are(drawn_line: Path, tmp_path: Path) -> None:
    for name, content in tree(drawn_line.parent).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    desk = open_desk(tmp_path / "line.yaml")
    before = make_layout(desk.settings, None)
    save(desk, desk.start)
    assert make_layout(read_settings(desk.line), None).digest() == before.digest()
    assert tree(tmp_path / "masks") == tree(drawn_line.parent / "masks")


def test_parts_drawn_on_other_exemplars_come_along(desk: Desk) -> None:
    masks = desk.line.parent / "drawn"
    for stem, shift in (("reel_000", 0), ("reel_001", 3)):
        for name, (left, top, right, bottom) in {"body": BODY, "lead": LEADS[0]}.items():
            mask = np.zeros(desk.shape, np.uint8)
            mask[top:bottom, left + shift : right + shift] = 255
            (masks / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(masks / name / f"{stem}.png")
    text = (
        "  source: exemplar\n  exemplar: [images/reel_000.png, images/reel_001.png]\n  masks: drawn"
    )
    desk.line.write_text(LINE.replace("  source: statistics", text), encoding="utf-8")
    again = open_desk(desk.line)
    save(again, again.start)
    settings = read_settings(desk.line)
    assert [path.name for path in settings.layout.exemplar] == ["reel_000.png", "reel_001.png"]
    assert make_layout(settings, None).digest() == make_layout(again.settings, None).digest()


def test_a_label_map_s_names_are_taken_out(desk: Desk) -> None:
    values = np.zeros(desk.shape, np.uint8)
    values[40:100, 110:200] = 1
    Image.fromarray(values).save(desk.line.parent / "map.png")
    (desk.line.parent / "n.yaml").write_text("{1: body}", encoding="utf-8")
    text = "  source: exemplar\n  exemplar: images/reel_000.png\n  masks: map.png\n  names: n.yaml"
    desk.line.write_text(LINE.replace("  source: statistics", text), encoding="utf-8")
    again = open_desk(desk.line)
    save(again, again.start)
    assert read_settings(desk.line).layout.names is None
    assert make_layout(read_settings(desk.line), None).names == ("body",)


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        (Drawing(), "Nothing is drawn yet"),
        (Drawing(parts=(*DRAWN.parts, part("lead_2", box(5, 5, 50, 50)))), "Two parts are called"),
        (Drawing(parts=(part("all", box(0, 0, 320, 240)),)), "covers 100% of the image"),
    ],
)
def test_a_drawing_with_errors_changes_nothing(desk: Desk, drawing: Drawing, expected: str) -> None:
    before = tree(desk.line.parent)
    with pytest.raises(LayoutError, match=expected):
        save(desk, drawing)
    assert tree(desk.line.parent) == before


def _emptied(desk: Desk) -> None:
    desk.line.write_text("[]", encoding="utf-8")


def _misspelt(desk: Desk) -> None:
    desk.line.write_text(LINE.replace("side_px", "side"), encoding="utf-8")


def _fewer_heads(desk: Desk) -> None:
    desk.line.write_text(LINE.replace("{width: 48,", "{width: 48, heads: 4,"), encoding="utf-8")


@pytest.mark.parametrize("spoil", [_emptied, _misspelt, _fewer_heads])
def test_a_line_that_was_spoilt_meanwhile_stays_as_it_is(
    desk: Desk, spoil: Callable[[Desk], None]
) -> None:
    spoil(desk)
    before = tree(desk.line.parent)
    with pytest.raises(InspectionError):
        save(desk, DRAWN)
    assert tree(desk.line.parent) == before


def test_a_folder_that_cannot_be_written_to_is_named(desk: Desk) -> None:
    (desk.line.parent / "layouts").touch()
    with pytest.raises(InputError, match=r"line: cannot be written to"):
        save(desk, DRAWN)
    assert desk.line.read_text("utf-8") == LINE
