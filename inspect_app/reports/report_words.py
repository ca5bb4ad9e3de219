"""What a shift report says in words and tables, whatever it is written as.

`tr` is the language: `say.plain`, or the station's.
"""

from collections.abc import Sequence

from inspect_app.reports.drift import ATTENTION, Drift
from inspect_app.reports.say import Say, plain
from inspect_app.reports.shift_numbers import NOT_NAMED, Rate
from inspect_app.reports.shift_report import ShiftReport

Rows = list[tuple[str, str, str]]


def number_rows(report: ShiftReport, tr: Say = plain) -> Rows:
    """(measure, value, how it was counted)."""
    numbers = report.numbers
    counted = {name: numbers.verdicts.get(name, 0) for name in ("pass", "recheck", "fail")}
    verdicts = tr(
        "{passed} pass, {recheck} recheck, {failed} fail; {unreadable} unreadable",
        passed=counted["pass"],
        recheck=counted["recheck"],
        failed=counted["fail"],
        unreadable=numbers.unreadable,
    )
    hours = tr("over {hours} hours", hours=tr.roughly(numbers.shift.hours))
    return [
        (tr("Inspected"), tr.number(numbers.inspected), verdicts),
        (tr("Throughput"), tr("{n} an hour", n=tr.number(numbers.an_hour, 1)), hours),
        (
            tr("Yield"),
            percent(numbers.passed, tr),
            tr("{part} parts passed in the end", part=of(numbers.passed, tr)),
        ),
        (tr("Open rechecks"), tr.number(numbers.open_rechecks), tr("nobody has decided them yet")),
        (tr("Decided"), tr.number(numbers.decided), tr("parts that somebody decided")),
        *_error_rows(report, tr),
    ]


def _error_rows(report: ShiftReport, tr: Say) -> Rows:
    numbers = report.numbers
    return [
        (
            tr("Overkill"),
            percent(numbers.overkill, tr),
            tr("{part} decided fails passed", part=of(numbers.overkill, tr)),
        ),
        (
            tr("Escapes"),
            percent(numbers.escapes, tr),
            tr("{part} passes in blind review", part=of(numbers.escapes, tr)),
        ),
        (
            tr("Escapes seen besides"),
            tr.number(numbers.escapes_seen),
            tr("passes failed without being asked to look; no rate"),
        ),
    ]


def drift_head(tr: Say = plain) -> tuple[str, ...]:
    """Over `drift_rows`."""
    return (tr("reading"), tr("at the bundle's start"), tr("this shift"), tr("distance"), "")


def drift_rows(drift: Sequence[Drift], tr: Say = plain) -> list[tuple[str, ...]]:
    """(reading, median at the bundle's start, median now, distance, what to think of it)."""
    return [
        (
            _reading(one.reading, tr),
            tr.roughly(one.before),
            tr.roughly(one.now),
            tr.number(one.distance, 2),
            _judged(one, tr),
        )
        for one in drift
    ]


def no_drift(report: ShiftReport, tr: Say = plain) -> str:
    """Why there is no drift to show."""
    if not report.numbers.inspected:
        return tr("nothing was inspected")
    return tr(
        "too few parts to tell: the bundle's first parts {before}, this shift {now}",
        before=report.compared[0],
        now=report.compared[1],
    )


def named(name: str, tr: Say = plain) -> str:
    """A defect type or part as people say it."""
    return tr("not named") if name == NOT_NAMED else name.replace("_", " ")


def percent(rate: Rate, tr: Say = plain) -> str:
    """A share with its 95 % interval; a dash where nothing was counted."""
    value, interval = rate.value, rate.interval
    if value is None or interval is None:
        return "–"
    low, high = (tr.share(one) for one in interval)
    return tr("{share} ({low} to {high})", share=tr.share(value), low=low, high=high)


def of(rate: Rate, tr: Say = plain) -> str:
    """`3 of 40`."""
    return tr("{count} of {all}", count=tr.number(rate.count), all=tr.number(rate.of))


def heading(report: ShiftReport, tr: Say = plain) -> str:
    """The report's title."""
    if report.line:
        return tr("Shift {name}, line {line}", name=report.numbers.shift.name(), line=report.line)
    return tr("Shift {name}", name=report.numbers.shift.name())


def origin(report: ShiftReport, tr: Say = plain) -> list[str]:
    """Where the report comes from, and where the chain of decisions ended."""
    bundles = ", ".join(f"{name} ({count})" for name, count in report.bundles) or "–"
    made_at = f"{report.made_at:%Y-%m-%d %H:%M}"
    lines = [
        tr("Store {store}; made {when} UTC.", store=report.store, when=made_at),
        tr("Bundles (parts inspected): {bundles}.", bundles=bundles),
    ]
    if report.anchor is not None:
        count, head = report.anchor.count, report.anchor.head
        lines += [
            tr("Decisions in the store: {count}, the last sealed {head}.", count=count, head=head),
            tr("Anchor: {anchor}", anchor=report.anchor.line()),
        ]
    return lines


def out_of_limits(report: ShiftReport, tr: Say = plain) -> str:
    """Which hours lie beyond the limits of the p-chart."""
    out = [str(point.hour + 1) for point in report.numbers.chart if point.is_out]
    if not out:
        return tr(
            "No hour lies beyond the limits (three standard deviations from the shift's share)."
        )
    return tr("Beyond the limits: hour {hours}. Look for what changed then.", hours=", ".join(out))


def _reading(name: str, tr: Say) -> str:
    words = {
        "z": "z",
        "outlier": tr("outlier score"),
        "brightness": tr("brightness"),
        "sharpness": tr("sharpness"),
    }
    if name.startswith(ATTENTION):
        return tr("attention on {part}", part=named(name.removeprefix(ATTENTION), tr))
    return words.get(name, name)


def _judged(one: Drift, tr: Say) -> str:
    if one.is_large:
        return tr("large: find out what changed")
    return tr("notable: keep an eye on it") if one.is_notable else tr("none worth a look")
