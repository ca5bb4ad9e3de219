"""The page that counts a shift: yield, defects, overkill and escapes, control limits, drift."""

import os
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from inspect_app.reports.charts import Chart, control_chart, pareto_chart
from inspect_app.reports.document import as_bytes
from inspect_app.reports.html_row import html_row
from inspect_app.reports.report_words import (
    drift_head,
    drift_rows,
    no_drift,
    number_rows,
    of,
    origin,
    out_of_limits,
    percent,
)
from inspect_app.reports.shift_report import ShiftReport, make_report
from inspect_app.reports.shifts import USUAL_STARTS, Shift, read_starts, shifts_back
from inspect_app.station.pieces.language import count, in_reports, number, tr
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.wording import text
from inspect_app.store.reader import StoreReader
from span_train.contract.errors import InspectionError

STARTS_VARIABLE = "INSPECT_SHIFTS"
SHIFTS_SHOWN = 30
_OWN_SIZE, _AXIS_PX = ("width", "height", "$schema"), 70  # Streamlit counts the axis in
_KINDS = {"pdf": "application/pdf", "html": "text/html", "csv": "text/csv"}


def show_shift() -> None:
    """Lay the page out."""
    try:
        _show(station_store())
    except InspectionError as problem:
        title = tr("The shift cannot be counted")
        st.html(f'<section class="trouble"><b>{title}</b><p>{text(str(problem))}</p></section>')


def _show(store: StoreReader) -> None:
    top_bar(store)
    starts = read_starts(os.environ.get(STARTS_VARIABLE) or ",".join(USUAL_STARTS))
    newest = store.questions.newest_at() or datetime.now(UTC)
    with st.container(key="shift_choice", horizontal=True, vertical_alignment="bottom"):
        shift = st.selectbox(
            tr("Shift"),
            shifts_back(newest, starts, SHIFTS_SHOWN),
            format_func=Shift.name,
            width=320,
        )
        line = st.selectbox(
            tr("Line"), [None, *store.questions.lines()], format_func=_line_name, width=240
        )
        report = make_report(store, shift, line, anchored=False)
        st.html('<span class="spacer"></span>', width="stretch")
        _downloads(store, shift, report.line)
    st.html(_tiles(report))
    charts, tables = st.columns([1.25, 1], gap="small")
    with charts, st.container(key="shift_charts"):
        _charts(report)
    tables.html(_tables(report))


def _downloads(store: StoreReader, shift: Shift, line: str | None) -> None:
    """One button a kind; the file is made when it is pressed, with the anchor of that moment."""
    for kind, mime in _KINDS.items():
        st.download_button(
            kind.upper(),
            partial(_made, store, shift, line, kind),
            file_name=f"shift-{shift.start.astimezone():%Y-%m-%d-%H%M}.{kind}",
            mime=mime,
            icon=":material/download:",
            key=f"download_{kind}",
        )


def _made(store: StoreReader, shift: Shift, line: str | None, kind: str) -> bytes:
    return as_bytes(make_report(store, shift, line), kind, in_reports())


def _line_name(line: str | None) -> str:
    return tr("all lines") if line is None else line


def _tiles(report: ShiftReport) -> str:
    numbers, say = report.numbers, in_reports()
    tiles = (
        (
            count(numbers.inspected),
            tr("inspected"),
            tr("{n} an hour", n=number(numbers.an_hour, 0)),
        ),
        (_short(numbers.passed.value), tr("yield"), of(numbers.passed, say)),
        (count(numbers.open_rechecks), tr("open rechecks"), tr("nobody has decided")),
        (
            _short(numbers.overkill.value),
            tr("overkill, as decided"),
            of(numbers.overkill, say),
        ),
        (
            _short(numbers.escapes.value),
            tr("escapes, blind review"),
            of(numbers.escapes, say),
        ),
    )
    each = "".join(
        f'<div class="tile"><div><b>{value}</b><span>{title}</span></div><em>{about}</em></div>'
        for value, title, about in tiles
    )
    return f'<section class="tiles">{each}</section>'


def _charts(report: ShiftReport) -> None:
    numbers = report.numbers
    if not numbers.inspected:
        st.html(f'<p class="quiet">{tr("Nothing was inspected in this shift.")}</p>')
        return
    left, right = st.columns(2, gap="small")
    for column, title, counted in (
        (left, tr("Defects by class"), numbers.by_class),
        (right, tr("Defects by part"), numbers.by_part),
    ):
        with column:
            st.html(f"<h3>{title}</h3>")
            if counted:
                _draw(pareto_chart(counted, in_reports()))
            else:
                st.html(f'<p class="quiet">{tr("No part failed.")}</p>')
    if numbers.chart:
        st.html(f"<h3>{tr('Failed parts hour by hour (p-chart)')}</h3>")
        _draw(control_chart(numbers, in_reports()))
        st.html(f'<p class="quiet">{text(out_of_limits(report, in_reports()))}</p>')


def _draw(chart: Chart) -> None:
    spec = {name: value for name, value in chart.items() if name not in _OWN_SIZE}
    height_px = int(chart["height"]) + _AXIS_PX
    st.vega_lite_chart({**spec, "background": "transparent"}, width="stretch", height=height_px)


def _tables(report: ShiftReport) -> str:
    say = in_reports()
    numbers = "".join(html_row(row) for row in number_rows(report, say))
    head = html_row(drift_head(say), "th")
    drift = "".join(html_row(row) for row in drift_rows(report.drift, say))
    moved = f"<table>{head}{drift}</table>" if drift else f"<p>{text(no_drift(report, say))}</p>"
    told = "".join(f"<p>{text(line)}</p>" for line in origin(report, say))
    interval = percent(report.numbers.passed, say)
    return (
        f'<section class="card report"><h3>{tr("Counted")}<small>{text(interval)}</small></h3>'
        f"<table>{numbers}</table></section>"
        f'<section class="card report"><h3>{tr("Drift")}<small>'
        f"{tr('against the first parts of the bundle')}</small></h3>{moved}</section>"
        f'<section class="card report quiet">{told}</section>'
    )


def _short(value: float | None) -> str:
    return "–" if value is None else in_reports().share(value)
