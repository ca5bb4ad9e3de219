"""The report: it opens, loads nothing, escapes what users name, and says what is not shown."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from span_train.evaluate.metrics import line_metrics
from span_train.evaluate.report import (
    MOST_EXAMPLES,
    ExampleRow,
    ReportContent,
    render_report,
    write_report,
)
from span_train.evaluate.report_words import bars, common_scale, duration, number, percent
from span_train.policy.calibrate import choose_policy
from span_train.policy.policy import Goal

HOSTILE = "<script>alert('$x$')</script>\"& 部品"
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Checks that tags close in order, and keeps tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def example(title: str = "a.png", side: int = 96, **changes: object) -> ExampleRow:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    row = ExampleRow(
        title=title,
        image=noise,
        evidence=noise,
        heads=(("hub", noise), ("free 1", noise)),
        verdict="fail",
        reason="z 1.200 reaches the fail threshold 1.000",
        z=1.2,
        truth="scratch",
        defective=True,
        contributions={"hub": 0.9, "free": -0.1},
        bias=0.4,
    )
    return replace(row, **changes)


@pytest.fixture
def content() -> ReportContent:
    random = np.random.default_rng(0)
    good, defective = random.normal(-1, 1, 60), random.normal(2, 1, 40)
    policy = choose_policy(good, defective, [], Goal(escape=0.1, overkill=0.1, confidence=0.95))
    z = np.concatenate([good, defective])
    verdicts = [policy.decide(value, 0.0).name for value in z]
    return ReportContent(
        line="pump-3",
        metrics=line_metrics(z, np.arange(100) >= 60, verdicts, outlier=z),
        claims=policy.claims,
        t_pass=policy.t_pass,
        t_fail=policy.t_fail,
        outlier_limit=4.0,
        z_good=good,
        z_defect=defective,
        layout_picture=example().image,
        layout_parts=("hub", "rim"),
        part_area={"hub": 0.2, "rim": 0.4},
        part_contributions={"hub": (-0.1, 0.8)},
        counts={"train": {"good": 3}, "test": {"good": 60, "scratch": 40}},
        pretraining=[
            {"step": step, "loss": 2.0, "objective": 1.0, "prior": 1.0, "adherence": {"hub": 0.5}}
            for step in range(5)
        ],
        parity={"images": 4, "largest_difference": {"logits": 1e-6}, "verdict_flips": 0},
        timings={"pretraining": 226.0},
        versions={"numpy": "2.4"},
        examples=[example()],
        next_command="inspect export --run runs/a --out bundle",
        created="2026-01-02 03:04 UTC",
    )


def empty_content() -> ReportContent:
    nothing = np.array([])
    return ReportContent("empty", line_metrics([], [], []), (), None, None, None, nothing, nothing)


def test_the_page_opens_and_tells_the_result_in_words(
    content: ReportContent, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "report.html"
    write_report(out, content)
    text = out.read_text(encoding="utf-8")
    assert Page(text).open == []
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    for words in ("Of 40 defective test parts", "pump-3", "3 min 46 s", "inspect export --run"):
        assert words in text
    assert "Both claims hold together at 95 % confidence" in text
    assert "calibration parts are like production" in text
    assert text.count("✓ shown") == 2


def test_the_page_loads_nothing_and_every_picture_has_a_text(content: ReportContent) -> None:
    page = Page(render_report(content))
    images = page.all("img")
    assert len(images) == 9
    assert all((image["src"] or "").startswith("data:image/") for image in images)
    assert all(image.get("alt") for image in images)
    assert not page.all("script")
    assert not page.all("link")
    policy = next(tag for tag in page.all("meta") if tag.get("http-equiv"))
    assert (policy["content"] or "").startswith("default-src 'none'; img-src data:")


def test_everything_users_name_is_escaped(content: ReportContent) -> None:
    row = example(HOSTILE, truth=HOSTILE, reason=HOSTILE, heads=((HOSTILE, example().image),))
    row = replace(row, verdict=HOSTILE, contributions={HOSTILE: 1.0})
    hostile = replace(
        content,
        line=HOSTILE,
        summary=(HOSTILE,),
        remarks=(HOSTILE,),
        counts={HOSTILE: {HOSTILE: 1}},
        layout_parts=(HOSTILE,),
        part_area={HOSTILE: 0.1},
        part_contributions={HOSTILE: (0.0, 1.0)},
        pretraining=[{"step": 1, "loss": 1.0, "adherence": {HOSTILE: 0.5}}],
        examples=[row],
        escapes=[row],
        overkills=[row],
        facts={HOSTILE: HOSTILE},
        timings={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        next_command=HOSTILE,
    )
    text = render_report(hostile)
    page = Page(text)
    assert page.open == []
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not any(name.startswith("on") for _, found in page.tags for name in found)


def test_empty_content_still_makes_an_honest_page() -> None:
    text = render_report(empty_content())
    assert Page(text).open == []
    assert "nothing was measured" in text
    assert "nothing is promised" in text
    assert "There were no scored test parts" in text


def test_a_goal_that_is_not_shown_says_what_is_missing(content: ReportContent) -> None:
    goals = Goal(escape=0.01, overkill=0.1, confidence=0.95)
    policy = choose_policy(content.z_good, content.z_defect, [], goals)
    text = render_report(replace(content, claims=policy.claims, t_pass=None))
    assert "At least 328 more are needed" in text
    assert "Nothing passes under this policy, so nothing can escape" in text
    assert "hold together" not in text


def test_mistakes_are_named_on_their_pictures(content: ReportContent) -> None:
    escape = example(verdict="pass")
    overkill = example(defective=False, truth="good")
    text = render_report(replace(content, escapes=[escape], overkills=[overkill]))
    assert '<span class="wrong">escape</span>' in text
    assert '<span class="wrong">overkill</span>' in text


def test_a_part_without_a_score_is_shown_without_inventing_one(content: ReportContent) -> None:
    row = example(z=float("nan"), contributions={"hub": float("nan")}, bias=float("nan"))
    z_good = np.append(content.z_good, np.nan)
    text = render_report(replace(content, examples=[row], z_good=z_good))
    assert "z = not a number" in text
    assert not re.search(r"left: nan|width: nan", text)


def test_twelve_large_noisy_pictures_stay_below_six_megabytes(content: ReportContent) -> None:
    noise = example(side=900).image
    row = example(image=noise, evidence=noise, heads=tuple((f"h{n}", noise) for n in range(6)))
    text = render_report(
        replace(content, examples=[row] * (MOST_EXAMPLES + 3), layout_picture=noise)
    )
    assert len(text) < 6_000_000
    assert text.count("<article") == MOST_EXAMPLES
    assert "3 more are not shown" in text


def test_charts_hold_no_date_so_equal_content_gives_equal_pages(content: ReportContent) -> None:
    assert render_report(content) == render_report(content)


def test_charts_are_whole_svg_documents(content: ReportContent) -> None:
    found = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", render_report(content))
    assert len(found) == 4
    assert all(base64.b64decode(svg).rstrip().endswith(b"</svg>") for svg in found)


@pytest.mark.parametrize("kept", ["z_good", "z_defect"])
def test_one_class_alone_has_a_histogram_but_no_roc(content: ReportContent, kept: str) -> None:
    other = "z_defect" if kept == "z_good" else "z_good"
    text = render_report(replace(content, **{other: np.array([])}))
    assert "Distribution of z" in text
    assert "ROC curve" not in text


def test_a_baseline_and_part_masks_are_shown_beside_the_line(content: ReportContent) -> None:
    focus = {
        "parts": {"hub": {"ap": 0.9, "template_ap": 0.8, "oracle_ap": None, "chance": 0.1}},
        "map": 0.9,
        "template_map": 0.8,
        "oracle_map": None,
        "images": 7,
    }
    baseline = {key: content.metrics[key] for key in ("auroc", "escape_rate")}
    text = render_report(replace(content, focus=focus, baseline=baseline))
    assert "without SPAN" in text
    assert "over 7 images with masks" in text
    assert Page(text).open == []


def test_numbers_read_as_people_write_them() -> None:
    assert [percent(share) for share in (None, 0.0, 0.0444, 1.0, 0.11)] == [
        "–",
        "0 %",
        "4.4 %",
        "100 %",
        "11 %",
    ]
    assert [duration(time) for time in (0.0071, 12.2, 226.4, 7260, "15m")] == [
        "7.1 ms",
        "12.2 s",
        "3 min 46 s",
        "2 h 1 min",
        "15m",
    ]
    assert [number(value) for value in (-1.5, None, float("inf"))] == ["−1.50", "–", "not a number"]


def test_bars_share_one_scale_around_zero() -> None:
    scale = common_scale([{"a": 3.0}, {"a": -1.0}])
    assert scale == (-1.0, 3.0)
    drawn = bars({"a": -1.0, "b": 1.0}, scale)
    assert [(bar["left"], bar["width"], bar["zero"]) for bar in drawn] == [
        ("0.00", "25.00", "25.00"),
        ("25.00", "25.00", "25.00"),
    ]
    assert common_scale([]) == (0.0, 1.0)
