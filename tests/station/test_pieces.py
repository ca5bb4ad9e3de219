"""What the page is put together from: scale, bars, drawing and wording."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pytest

from inspect_app.station.pieces.head_attention import head_attention
from inspect_app.station.pieces.language import number, signed
from inspect_app.station.pieces.part_bars import part_bars, percent_per_unit
from inspect_app.station.pieces.part_picture import CANVAS_PX, Drawing, draw_part, worst_spot
from inspect_app.station.pieces.score_scale import place_on_scale, score_scale
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.verdict_banner import verdict_banner
from inspect_app.station.pieces.wording import part_title
from inspect_app.store.records import InspectionRecord, PartEvidence
from inspect_app.store.strongest import strongest
from span_train.contract.image import fit_geometry
from tests.station.drawn_inspections import PARTS, layout


def record(**changes: Any) -> InspectionRecord:
    """A failed part with z = 2."""
    when = datetime(2025, 3, 4, tzinfo=UTC)
    values: dict[str, Any] = {
        "id": 1,
        "source": "/l/a.png",
        "file_name": "a.png",
        "sha256": None,
        "arrived_at": when,
        "inspected_at": when,
        "bundle_id": "b",
        "status": "ok",
        "verdict": "fail",
        "reason": "z is high",
        "defect_type": None,
        "z": 2.0,
        "t_pass": -1.0,
        "t_fail": 1.0,
        "outlier": None,
        "outlier_limit": None,
        "contributions": {"body": 4.5, "label": -0.5},
        "latency_ms": None,
        "duplicate_of": None,
        "geometry": None,
        "picture_asset": None,
        "maps_asset": None,
    }
    return InspectionRecord(**values | changes)


@pytest.fixture
def evidence() -> PartEvidence:
    """A grey picture of 200x100 pixels with one strong patch at (150, 75)."""
    evidence_gg = np.zeros((8, 8), np.float32)
    evidence_gg[5, 6] = 1
    attention_hgg = np.full((2, 8, 8), 1 / 64, np.float32)
    picture = np.full((100, 200, 3), 90, np.uint8)
    return PartEvidence(picture, fit_geometry(100, 200, 64, "stretch"), evidence_gg, attention_hgg)


def test_the_scale_keeps_thresholds_apart_and_in_order() -> None:
    scale = place_on_scale(0.0, -1.0, 1.0, typical=-1.5)
    assert scale.t_pass is not None
    assert scale.t_fail is not None
    assert scale.typical is not None
    assert 0 < scale.typical < scale.t_pass < scale.z < scale.t_fail < 100
    assert scale.z == pytest.approx((scale.t_pass + scale.t_fail) / 2)


@pytest.mark.parametrize(("z", "at", "beyond"), [(-50.0, 0.0, -1), (50.0, 100.0, 1)])
def test_a_score_off_the_scale_is_held_to_its_end(z: float, at: float, beyond: int) -> None:
    scale = place_on_scale(z, -1.0, 1.0, typical=-2.0)
    assert (scale.z, scale.beyond) == (at, beyond)


@pytest.mark.parametrize(
    ("t_pass", "t_fail", "zones"),
    [
        (-1.0, 1.0, "pass recheck fail"),
        (1.0, 1.0, "pass fail"),
        (None, 1.0, "recheck fail"),
        (-1.0, None, "pass recheck"),
        (None, None, "recheck"),
    ],
)
def test_the_scale_shows_the_ranges_the_policy_has(
    t_pass: float | None, t_fail: float | None, zones: str
) -> None:
    drawn = score_scale(record(t_pass=t_pass, t_fail=t_fail))
    assert [
        name for name in ("pass", "recheck", "fail") if f"zone-{name}" in drawn
    ] == zones.split()


def test_no_score_draws_no_scale_and_no_bars() -> None:
    unread = record(z=None, contributions={})
    assert score_scale(unread) == ""
    assert part_bars(unread) == ""


def test_bars_grow_from_zero_to_their_side() -> None:
    drawn = part_bars(record())
    # The way from a typical good part (z = -2) to fail is 3; the largest bar (4.5) fills its side.
    assert 'class="defect" style="left:28.00%;width:72.00%"' in drawn
    assert 'class="good" style="left:20.00%;width:8.00%"' in drawn
    assert "+4.50" in drawn
    assert "−0.50" in drawn
    assert "typical good part <b>−2.00</b>" in drawn


def test_bars_of_a_good_part_stay_short() -> None:
    assert percent_per_unit({"body": 0.1, "label": -0.1}, reach=3.0) == pytest.approx(72 / 3)
    assert percent_per_unit({"body": 0.0}, reach=0.0) > 0


def test_the_strongest_part_speaks_for_a_defect() -> None:
    assert strongest(record().contributions) == "body"
    assert strongest(record(contributions={"body": -1.0}).contributions) is None
    assert strongest(record(contributions={}).contributions) is None


def test_the_headline_says_where_the_evidence_lies() -> None:
    def headline(strongest: str) -> str:
        return verdict_banner(record(contributions={strongest: 4.0}), None, 1, 1)

    assert "most evidence lies in: <b>left lead</b>" in headline("left_lead")
    assert "most evidence lies <b>outside the named parts</b>" in headline("elsewhere")
    assert "most evidence comes from <b>free heads</b>" in headline("free")


def test_an_outlier_is_not_blamed_on_a_part() -> None:
    drawn = verdict_banner(record(verdict="recheck", z=-2.0, reason="unlike good"), None, 1, 1)
    assert "most evidence" not in drawn
    assert "unlike good" in drawn


@pytest.mark.parametrize("outcome", SIGNS)
def test_every_outcome_has_its_own_word_colour_and_shape(outcome: str) -> None:
    others = [sign for name, sign in SIGNS.items() if name != outcome]
    sign = SIGNS[outcome]  # type: ignore[index]
    assert all(sign.word != other.word and sign.colour != other.colour for other in others)
    assert all(sign.outline != other.outline and sign.mark != other.mark for other in others)


@pytest.mark.parametrize("outcome", SIGNS)
def test_what_is_written_on_a_verdict_can_be_read(outcome: str) -> None:
    sign = SIGNS[outcome]  # type: ignore[index]
    light, dark = sorted((_luminance(sign.colour), _luminance(sign.ink)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 4.5  # WCAG AA


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_opacity_zero_leaves_the_picture_alone(evidence: PartEvidence) -> None:
    drawn = draw_part(evidence, Drawing(opacity=0.0, scale=1.0))
    assert drawn.shape == (CANVAS_PX // 2, CANVAS_PX, 3)
    assert np.unique(drawn).tolist() == [90]


def test_evidence_is_drawn_where_it_lies(evidence: PartEvidence) -> None:
    drawn = draw_part(evidence, Drawing(opacity=1.0, scale=1.0))
    changed = np.abs(drawn.astype(int) - 90).sum(axis=2)
    y, x = np.argwhere(changed > 30).mean(axis=0)
    assert (x, y) == (pytest.approx(812, abs=25), pytest.approx(344, abs=25))
    half = draw_part(evidence, Drawing(opacity=0.5, scale=1.0))
    assert np.abs(half.astype(int) - 90).sum() < np.abs(drawn.astype(int) - 90).sum()


@pytest.mark.parametrize("how", ["stretch", "letterbox", "crop"])
def test_the_close_up_shows_the_worst_spot(evidence: PartEvidence, how: Any) -> None:
    geometry = fit_geometry(100, 200, 64, how)
    evidence_gg = np.zeros((8, 8), np.float32)
    evidence_gg[4, 3] = 1
    picture = np.full((100, 200, 3), 90, np.uint8)
    x, y = worst_spot(evidence_gg, geometry)
    cv2.circle(picture, (round(x), round(y)), 4, (0, 0, 255), -1)
    there = replace(evidence, picture=picture, geometry=geometry, evidence_gg=evidence_gg)
    near = draw_part(there, Drawing(opacity=0.0, scale=1.0, zoom=3.0))
    assert near.shape == (CANVAS_PX // 2, CANVAS_PX, 3)
    spot_y, spot_x = np.argwhere(near[:, :, 2] > 200).mean(axis=0)
    assert (spot_x, spot_y) == (pytest.approx(500, abs=40), pytest.approx(250, abs=40))


def test_outlines_follow_the_layout(evidence: PartEvidence) -> None:
    drawing = Drawing(opacity=0.0, scale=1.0, outlines=True)
    masks_khw = layout().fitted(64, "stretch")
    drawn = draw_part(evidence, drawing, PARTS, masks_khw, "label")
    white = np.argwhere((drawn == 255).all(axis=2))
    # The label lies at 330..630 of 960 and 210..330 of 720 pixels.
    assert white[:, 1].min() == pytest.approx(330 / 960 * 1000, abs=20)
    assert white[:, 1].max() == pytest.approx(630 / 960 * 1000, abs=20)
    assert white[:, 0].max() == pytest.approx(330 / 720 * 500, abs=20)


def test_heads_are_named_and_free_ones_marked(evidence: PartEvidence) -> None:
    drawn = head_attention(evidence, ("left_<lead", "free 1"), (True, False))
    assert drawn.count("<figure") == 2
    assert '<figure class="free">' in drawn
    assert "left &lt;lead" in drawn


def test_numbers_and_names_read_well() -> None:
    assert number(-1.234) == "−1.23"
    assert number(None) == "–"
    assert (signed(0.5), signed(-0.5), signed(-0.001)) == ("+0.50", "−0.50", "0.00")
    assert (part_title("left_lead"), part_title("elsewhere")) == ("left lead", "elsewhere")
