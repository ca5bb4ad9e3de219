"""Write one self-contained page that tells a quality manager what a line can and cannot promise.

The page loads nothing: pictures are JPEG, charts SVG, both inside the file.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import cv2
import jinja2
import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from span_train.contract.image import RGB
from span_train.evaluate import report_plots
from span_train.evaluate.overlay import part_colour
from span_train.evaluate.report_words import (
    bars,
    common_scale,
    deletion_in_words,
    duration,
    number,
    percent,
    ratio,
    reliability_in_words,
    signed,
    summary_in_words,
)

MOST_EXAMPLES = 12
MOST_MISTAKES = 6
PICTURE_PX = 420
HEAD_PX = 150
LAYOUT_PX = 640
_MEASURES = (
    ("escape_rate", "Escape rate"),
    ("overkill_rate", "Overkill rate"),
    ("recheck_rate", "Recheck rate"),
    ("pass_rate_good", "Good parts that pass"),
    ("fail_rate_defect", "Defective parts that fail"),
    ("auroc", "AUROC"),
    ("average_precision", "Average precision"),
    ("outlier_auroc", "AUROC of the outlier score alone"),
    ("outlier_average_precision", "Average precision of the outlier score alone"),
)


class Promise(Protocol):
    """A claim of the policy, as the report reads it."""

    @property
    def kind(self) -> str: ...
    @property
    def goal(self) -> float: ...
    @property
    def confidence(self) -> float: ...
    @property
    def shown(self) -> bool: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True)
class ExampleRow:
    """One test part with its verdict and the evidence for it.

    Attributes:
        title: File name, or any name of the part.
        image, evidence: The original picture, and the evidence over it.
        heads: Name and attention picture of each head.
        verdict, reason: What the policy said.
        z: The defect logit.
        truth: The label in words, such as the defect's class.
        defective: Whether the label says defective.
        contributions: How much each part adds to z.
        bias: What z starts from; with the contributions it sums to z.
    """

    title: str
    image: RGB
    evidence: RGB
    heads: tuple[tuple[str, RGB], ...]
    verdict: str
    reason: str
    z: float
    truth: str
    defective: bool
    contributions: Mapping[str, float]
    bias: float | None = None


@dataclass(frozen=True)
class ReportContent:
    """Everything the page shows; what is empty or None is left out or said to be missing.

    Attributes:
        line: The line's name.
        metrics: What `metrics.json` holds.
        claims: The policy's claims.
        t_pass, t_fail, outlier_limit: The policy's thresholds.
        z_good, z_defect: z of the test parts.
        summary: Sentences for the top; empty takes `summary_in_words(metrics)`.
        counts: Split to kind to number of images, e.g. ``{"test": {"good": 80, "defective": 20}}``.
        layout_picture, layout_parts: The layout over its exemplar, and the parts in its order.
        part_area: Each part's share of the image, to compare adherence with.
        part_contributions: Part to mean contribution to z among (good, defective) test parts.
        examples, escapes, overkills: Parts to show; escapes and overkills are the worst ones.
        pretraining: One mapping a logged step: `step`, `loss`, `objective`, `prior`, and
            `adherence` (head name to share of attention inside its part).
        focus: What `parts.json` holds, where masks of test images exist.
        baseline: `metrics.json` of the same line pretrained without SPAN.
        parity: What `parity.json` holds, once exported.
        timings: What took how many seconds; texts are shown as they are.
        facts: Further provenance, e.g. bundle id, commit, seed.
        versions: Library to version.
        remarks: What a reader should know, e.g. unreadable images.
        next_command: What to run next.
        created: When, as text; empty takes now.
    """

    line: str
    metrics: Mapping[str, Any]
    claims: Sequence[Promise]
    t_pass: float | None
    t_fail: float | None
    outlier_limit: float | None
    z_good: npt.NDArray[np.floating]
    z_defect: npt.NDArray[np.floating]
    summary: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    layout_picture: RGB | None = None
    layout_parts: tuple[str, ...] = ()
    part_area: Mapping[str, float] = field(default_factory=dict)
    part_contributions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    examples: Sequence[ExampleRow] = ()
    escapes: Sequence[ExampleRow] = ()
    overkills: Sequence[ExampleRow] = ()
    pretraining: Sequence[Mapping[str, Any]] = ()
    focus: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None
    parity: Mapping[str, Any] | None = None
    timings: Mapping[str, float | str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    next_command: str = ""
    created: str = ""


def write_report(out: Path, content: ReportContent) -> None:
    """Write the page to the file `out`; a page that is there already is replaced whole."""
    page = render_report(content)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(out)


def render_report(content: ReportContent) -> str:
    """The page as HTML text."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "ratio": ratio,
        "signed": signed,
        "duration": duration,
        "picture": picture_uri,
        "bars": bars,
    }
    template, style = _packaged("report.html.j2"), Markup(_packaged("report.css"))
    return environment.from_string(template).render(c=content, style=style, **_drawn(content))


def picture_uri(picture: RGB, longest_px: int) -> str:
    """A picture as JPEG inside a data URI, no side longer than `longest_px`."""
    scale = longest_px / max(picture.shape[:2])
    if scale < 1:
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 86])
    assert done, "OpenCV encodes any 8-bit picture"
    return _data_uri("image/jpeg", jpeg.tobytes())


def _drawn(content: ReportContent) -> dict[str, Any]:
    """What the template needs beside the content: charts, colours, and what fits on the page."""
    means = content.part_contributions
    good, defective = ({name: both[side] for name, both in means.items()} for side in (0, 1))
    rows = (*content.examples, *content.escapes, *content.overkills)
    return _charts(content) | {
        "summary": content.summary or summary_in_words(content.metrics),
        "created": content.created or datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "deletion_words": deletion_in_words(content.metrics.get("deletion")),
        "reliability_words": reliability_in_words(content.metrics.get("reliability")),
        "joint": _joint_confidence(content.claims),
        "measures": _MEASURES,
        "ratios": {key for key, _ in _MEASURES if "rate" not in key},
        "kinds": list(dict.fromkeys(kind for row in content.counts.values() for kind in row)),
        "times": {name: duration(time) for name, time in content.timings.items()},
        "colours": _colours(content),
        "of_parts": {"good": good, "defective": defective},
        "mean_scale": common_scale((good, defective)),
        "row_scale": common_scale(row.contributions for row in rows),
        "examples": content.examples[:MOST_EXAMPLES],
        "escapes": content.escapes[:MOST_MISTAKES],
        "overkills": content.overkills[:MOST_MISTAKES],
        "sizes": {"picture": PICTURE_PX, "head": HEAD_PX, "layout": LAYOUT_PX},
    }


def _joint_confidence(claims: Sequence[Promise]) -> float | None:
    """At which both claims hold together (Bonferroni); None unless two are shown."""
    doubts = [1 - claim.confidence for claim in claims if claim.shown]
    return 1 - sum(doubts) if len(doubts) > 1 else None


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _charts(content: ReportContent) -> dict[str, str | None]:
    scores = _finite(content.z_good), _finite(content.z_defect)
    thresholds = (content.t_pass, content.t_fail)
    steps, charts = content.pretraining, report_plots
    held = any(at.get("adherence") for at in steps)
    some, both = any(z.size for z in scores), all(z.size for z in scores)
    drawn = {
        "histogram": charts.score_histogram(*scores, *thresholds) if some else None,
        "roc": charts.roc_curve(*scores, *thresholds) if both else None,
        "losses": charts.loss_curves(steps) if steps else None,
        "adherence": charts.adherence_curves(steps, _colours(content), content.part_area)
        if held
        else None,
        "reliable": None
        if content.metrics.get("reliability") is None
        else charts.reliability_diagram(content.metrics["reliability"]),
        "budget": _budget_chart(content.metrics.get("label_budget")),
    }
    return {
        name: None if svg is None else _data_uri("image/svg+xml", svg)
        for name, svg in drawn.items()
    }


def _budget_chart(curve: Mapping[str, Any] | None) -> bytes | None:
    if curve is None or len(curve["budgets"]) < 2:
        return None
    return report_plots.label_budget(curve["budgets"])


def _colours(content: ReportContent) -> dict[str, str]:
    return {name: part_colour(place) for place, name in enumerate(content.layout_parts)}


def _finite(z: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    scores = np.asarray(z, np.float64).reshape(-1)
    return scores[np.isfinite(scores)]


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
