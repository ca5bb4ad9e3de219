"""Draw the report's charts: scores with thresholds, ROC, and what pretraining did step by step.

Charts hold numbers and fixed words only; names given by users stand in the page beside them.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

Scores = npt.NDArray[np.float64]
GOOD_COLOUR = "#4477A3"
DEFECT_COLOUR = "#C4562E"
INK = "#2B3038"
FAINT = "#8A8F98"
MOST_POINTS = 300
_SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "report",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#C9CDD3",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#5A616B",
    "ytick.color": "#5A616B",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ECEEF1",
    "grid.linewidth": 0.8,
}


@matplotlib.rc_context(_STYLE)
def score_histogram(
    z_good: Scores, z_defect: Scores, t_pass: float | None, t_fail: float | None
) -> bytes:
    """Distribution of z among good and among defective parts, with the thresholds: SVG."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots()
    edges = _bin_edges(z_good, z_defect, [t for t in (t_pass, t_fail) if t is not None])
    for z, colour, label in (
        (z_good, GOOD_COLOUR, "good parts"),
        (z_defect, DEFECT_COLOUR, "defective parts"),
    ):
        if z.size:
            shown = np.clip(z, edges[0], edges[-1])
            share = np.full(z.size, 100 / z.size)
            named = f"{label} ({z.size})"
            axes.hist(
                shown,
                edges.tolist(),
                weights=share,
                color=colour,
                alpha=0.55,
                label=named,
                histtype="stepfilled",
            )
    axes.set_ylim(0, axes.get_ylim()[1] * 1.16)
    _draw_thresholds(axes, (float(edges[0]), float(edges[-1])), t_pass, t_fail)
    axes.set_xlabel("defect logit z (the end bars hold everything beyond)")
    axes.set_ylabel("% of the parts of that kind")
    if z_good.size or z_defect.size:
        axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.9))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def roc_curve(
    z_good: Scores, z_defect: Scores, t_pass: float | None, t_fail: float | None
) -> bytes:
    """Share of defective parts at or above a threshold against that of good ones: SVG."""
    figure = Figure(figsize=(3.6, 3.2), layout="constrained")
    axes = figure.subplots()
    levels = np.unique(np.concatenate([z_good, z_defect]))[::-1]
    false, found = _share_from(z_good, levels), _share_from(z_defect, levels)
    axes.plot([0, 100], [0, 100], color="#C9CDD3", linewidth=1, linestyle=(0, (4, 3)))
    axes.plot([0, *false], [0, *found], color=INK, linewidth=1.6)
    for threshold, marker, colour, label in (
        (t_pass, "o", "#A66A00", "not passed"),
        (t_fail, "D", "#B3372F", "failed"),
    ):
        if threshold is not None:
            at = np.array([threshold])
            x, y = _share_from(z_good, at), _share_from(z_defect, at)
            axes.plot(x, y, marker, color=colour, mec="white", ms=7, clip_on=False, label=label)
    if t_pass is not None or t_fail is not None:
        axes.legend(frameon=False, loc="lower right", handletextpad=0.2)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="% of good parts", aspect="equal")
    axes.set_ylabel("% of defective parts")
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def loss_curves(steps: Sequence[Mapping[str, Any]]) -> bytes:
    """Whole loss, objective and prior loss over pretraining: SVG."""
    figure = Figure(figsize=(5.4, 3.0), layout="constrained")
    axes = figure.subplots()
    for key, label, colour in (
        ("loss", "whole loss", INK),
        ("objective", "objective", GOOD_COLOUR),
        ("prior", "prior loss", DEFECT_COLOUR),
    ):
        step, value = _series(steps, key)
        if step.size:
            axes.plot(step, value, color=colour, linewidth=1.6, label=label)
    axes.set_xlabel("step")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if axes.lines:
        axes.legend(frameon=False)
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def adherence_curves(
    steps: Sequence[Mapping[str, Any]],
    colours: Mapping[str, str],
    area_of_part: Mapping[str, float],
) -> bytes:
    """Share of each head's attention inside its part over pretraining: SVG.

    A dashed line is the part's share of the area: what a head without preference would give it.
    """
    figure = Figure(figsize=(5.4, 3.0), layout="constrained")
    axes = figure.subplots()
    for head, colour in colours.items():
        of_head = [
            {"step": at["step"], "value": at["adherence"].get(head)}
            for at in steps
            if at.get("adherence")
        ]
        step, value = _series(of_head, "value")
        axes.plot(step, 100 * value, color=colour, linewidth=1.8)
        if head in area_of_part:
            level = 100 * area_of_part[head]
            axes.axhline(level, color=colour, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7)
    axes.set_xlabel("step")
    axes.set_ylabel("% of attention inside the part")
    axes.set_ylim(0, 100)
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def label_budget(budgets: Mapping[str, Mapping[str, Any]]) -> bytes:
    """AUROC against the number of labels a class, with intervals and every seed: SVG.

    Args:
        budgets: What `label_budget` in `metrics.json` holds, by number of labels.
    """
    figure = Figure(figsize=(5.4, 3.0), layout="constrained")
    axes = figure.subplots()
    points = [point["auroc"] for point in budgets.values()]
    places = np.arange(len(points))
    low, high = np.array([point["interval"] for point in points]).T
    axes.fill_between(places, low, high, color=GOOD_COLOUR, alpha=0.15, linewidth=0)
    for place, point in zip(places, budgets.values(), strict=True):
        of_seeds = [seed["auroc"]["value"] for seed in point["by_seed"]]
        axes.plot([place] * len(of_seeds), of_seeds, ".", color=FAINT, markersize=4)
    means = [point["value"] for point in points]
    axes.plot(places, means, "o-", color=GOOD_COLOUR, linewidth=1.8, markersize=4)
    axes.set_xticks(places.tolist(), list(budgets))
    axes.set_xlabel("labelled images a class")
    axes.set_ylabel("AUROC on the test parts")
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def reliability_diagram(result: Mapping[str, Any]) -> bytes:
    """Observed against predicted share of defective parts, in bins of test parts: SVG.

    Both axes are logits, for on most lines defects are rare.

    Args:
        result: What `reliability` in `metrics.json` holds.
    """
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    bins = result["bins"]
    least = min([0.01, *(row["predicted"] / 2 for row in bins if row["predicted"] > 0)])
    ends = max(least, 1e-5), 1 - max(least, 1e-5)
    predicted, observed = (
        np.clip([row[name] for row in bins], *ends) for name in ("predicted", "observed")
    )
    low, high = np.clip([row["interval"] for row in bins], *ends).T
    axes.plot(ends, ends, color="#C9CDD3", linewidth=1, linestyle=(0, (4, 3)))
    axes.vlines(predicted, low, high, color=GOOD_COLOUR, linewidth=1.4, alpha=0.6)
    axes.plot(predicted, observed, "o", color=GOOD_COLOUR, markersize=5, clip_on=False)
    axes.set(xscale="logit", yscale="logit", xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel("predicted share of defective parts")
    axes.set_ylabel("observed share")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([at for at in _SHARES if ends[0] <= at <= ends[1]]))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.5g} %"))
        axis.set_minor_locator(NullLocator())
    return _svg(figure)


def _bin_edges(z_good: Scores, z_defect: Scores, thresholds: list[float]) -> Scores:
    z = np.concatenate([z_good, z_defect])
    ends = list(np.quantile(z, [0.005, 0.995])) if z.size else []
    points = [*ends, *thresholds] or [0.0]
    low, high = min(points), max(points)
    margin = 0.04 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, 41)


def _draw_thresholds(
    axes: Axes, ends: tuple[float, float], t_pass: float | None, t_fail: float | None
) -> None:
    low, high = ends
    axes.set_xlim(low, high)
    first = low if t_pass is None else t_pass
    second = high if t_fail is None else t_fail
    for name, start, end, colour in (
        ("pass", low, first, "#2F7D5B"),
        ("recheck", first, second, "#A66A00"),
        ("fail", second, high, "#B3372F"),
    ):
        if end > start:
            axes.axvspan(start, end, color=colour, alpha=0.06, linewidth=0)
        if end - start > 0.09 * (high - low):
            placed = axes.get_xaxis_transform()
            middle, look = (start + end) / 2, {"ha": "center", "va": "top"}
            axes.text(middle, 0.985, name, look, color=colour, transform=placed)
    for threshold in (t_pass, t_fail):
        if threshold is not None:
            axes.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (3, 2)))


def _share_from(z: Scores, levels: Scores) -> Scores:
    """Percent of the scores at or above each level."""
    if z.size == 0:
        return np.zeros(levels.size)
    return 100 * (z.size - np.searchsorted(np.sort(z), levels, side="left")) / z.size


def _series(steps: Sequence[Mapping[str, Any]], key: str) -> tuple[Scores, Scores]:
    """Step and value where there is one, averaged to at most MOST_POINTS points."""
    known = [(at["step"], at[key]) for at in steps if at.get(key) is not None]
    points = np.asarray(known, np.float64).reshape(-1, 2)
    runs = np.array_split(points, min(MOST_POINTS, max(1, len(points))))
    averaged = np.array([run.mean(axis=0) for run in runs if len(run)]).reshape(-1, 2)
    return averaged[:, 0], averaged[:, 1]


def _svg(figure: Figure) -> bytes:
    FigureCanvasSVG(figure)
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()
