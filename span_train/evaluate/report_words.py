"""Say the report's numbers so that they can be read: shares, times, the result in sentences."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

UNKNOWN = "\N{EN DASH}"


def summary_in_words(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """The result on test parts, in sentences for someone who knows the product, not the method."""
    sentences = []
    if defects := metrics["n_defect"]:
        escaped, failed = metrics["escape_rate"]["count"], metrics["fail_rate_defect"]["count"]
        sentences.append(
            f"Of {defects} defective test parts, {_none_or(escaped)} passed, {_none_or(failed)} "
            f"failed and {_none_or(defects - escaped - failed)} went to recheck."
        )
    if goods := metrics["n_good"]:
        passed, failed = metrics["pass_rate_good"]["count"], metrics["overkill_rate"]["count"]
        sentences.append(
            f"Of {goods} good test parts, {_none_or(passed)} passed, {_none_or(failed)} failed by "
            f"mistake and {_none_or(goods - passed - failed)} went to recheck."
        )
    if metrics["auroc"]["value"] is not None:
        sentences.append(
            "A defective part got a higher score than a good one in "
            f"{percent(metrics['auroc']['value'])} of all pairs (AUROC)."
        )
    return tuple(sentences) or ("There were no labelled test parts, so nothing was measured.",)


def deletion_in_words(result: Mapping[str, Any] | None) -> str:
    """Whether evidence lies where it matters, in one sentence."""
    if result is None:
        return "There was no defective test image, so no patch could be removed to check evidence."
    most = result["patches_removed"][-1]
    falls = {name: row["by_count"][-1]["value"] for name, row in result["drop"].items()}
    others = " and ".join(f"{number(falls[name])} for {name}" for name in result["gain_over"])
    return (
        f"Removing the {most} patches with the most evidence lowers z by "
        f"{number(falls['evidence'])} on average over {result['parts']} defective parts, against "
        f"{others}; "
        + ("every difference is beyond chance." if result["holds"] else "NOT beyond chance.")
    )


def reliability_in_words(result: Mapping[str, Any] | None) -> str:
    """How far z, as a probability, may be believed, in one sentence."""
    if result is None:
        return (
            "z cannot be turned into a probability and checked: that takes good and defective "
            "parts both for calibration and for the test."
        )
    error = result["calibration_error"]
    low, high = error["interval"]
    return (
        f"On a line with {percent(result['defect_rate'])} defective parts the probability of a "
        f"defect is off by {percent(error['value'])} on average ({percent(error['confidence'])} "
        f"interval {percent(low)} to {percent(high)})."
    )


def percent(share: float | None) -> str:
    """A share as text, with the digits a reader can use."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def number(value: float | None) -> str:
    """A number with two decimals; what is no number says so."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "not a number"
    rounded = round(value, 2) + 0.0  # no minus before a zero
    return f"{rounded:.2f}".replace("-", "\N{MINUS SIGN}")


def ratio(value: float | None) -> str:
    """A measure between 0 and 1 that is no share, such as AUROC, with three decimals."""
    return UNKNOWN if value is None else f"{value:.3f}"


def signed(value: float) -> str:
    """A contribution with its sign."""
    return f"+{value:.2f}" if value >= 0 and round(value, 2) else number(value)


def duration(seconds: float | str) -> str:
    """A time in the two units that matter; texts stay as they are."""
    if isinstance(seconds, str):
        return seconds
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def common_scale(rows: Iterable[Mapping[str, float]]) -> tuple[float, float]:
    """The lowest and highest value of all rows, zero included, so that their bars compare."""
    values = [value for row in rows for value in row.values() if math.isfinite(value)]
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low, high) if low < high else (0.0, 1.0)


def bars(values: Mapping[str, float], scale: tuple[float, float]) -> list[dict[str, Any]]:
    """Where a bar for each value starts and how wide it is, in percent of a row."""
    low, high = scale
    return [
        {
            "name": name,
            "value": value,
            "left": f"{100 * (min(value, 0.0) - low) / (high - low):.2f}",
            "width": f"{100 * abs(value) / (high - low):.2f}",
            "zero": f"{-100 * low / (high - low):.2f}",
        }
        for name, value in values.items()
        if math.isfinite(value)
    ]


def _none_or(count: int) -> str:
    return str(count) if count else "none"
