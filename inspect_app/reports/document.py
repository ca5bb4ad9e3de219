"""Write a shift report as one HTML page, as a PDF or as CSV."""

import csv
import io
from html import escape
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from inspect_app.reports.charts import Chart, as_png, as_svg, control_chart, pareto_chart
from inspect_app.reports.html_row import html_row
from inspect_app.reports.report_words import (
    drift_head,
    drift_rows,
    heading,
    named,
    no_drift,
    number_rows,
    origin,
    out_of_limits,
)
from inspect_app.reports.say import Say, plain
from inspect_app.reports.shift_report import ShiftReport
from span_train.contract.errors import InputError

KINDS = ("html", "pdf", "csv")
_FONT, _WIDE_MM, _ROW_MM = "Helvetica", 180, 6.5
_STYLE = (Path(__file__).with_name("shift_report.css")).read_text(encoding="utf-8")


def write_report(report: ShiftReport, file: Path, tr: Say = plain) -> None:
    """Write a report; the file's ending tells as what.

    Raises:
        InputError: The ending is none of .html, .pdf and .csv, or the file cannot be written.
    """
    kind = file.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise InputError(f"{file}: name it .html, .pdf or .csv, to say what it shall be.")
    content = as_bytes(report, kind, tr)
    try:
        file.write_bytes(content)
    except OSError as problem:
        raise InputError(f"{file}: cannot be written ({problem.strerror}).") from None


def as_bytes(report: ShiftReport, kind: str, tr: Say = plain) -> bytes:
    """The report as `html`, `pdf` or `csv`; the last, for programs, is always English."""
    if kind == "pdf":
        return _pdf(report, tr)
    return (_html(report, tr) if kind == "html" else _csv(report)).encode()


def _html(report: ShiftReport, tr: Say) -> str:
    numbers = "".join(html_row(row) for row in number_rows(report, tr))
    drift = f"<p>{escape(no_drift(report, tr))}</p>"
    if report.drift:
        rows = "".join(html_row(row) for row in drift_rows(report.drift, tr))
        drift = f"<table>{html_row(drift_head(tr), 'th')}{rows}</table>"
    told = "".join(f"<p>{escape(line)}</p>" for line in origin(report, tr))
    charts = "".join(
        f"<h2>{escape(title)}</h2>{as_svg(chart)}" for title, chart in _charts(report, tr)
    )
    title, moved = escape(heading(report, tr)), escape(tr("Drift"))
    return (
        f'<!doctype html><html lang="{tr.locale[:2]}"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1><table>{numbers}</table>"
        f"{charts}<p>{escape(out_of_limits(report, tr))}</p><h2>{moved}</h2>{drift}"
        f"<footer>{told}</footer></main></body></html>\n"
    )


def _charts(report: ShiftReport, tr: Say) -> list[tuple[str, Chart]]:
    numbers = report.numbers
    charts: list[tuple[str, Chart]] = []
    if numbers.by_class:
        charts.append((tr("Defects by class"), pareto_chart(numbers.by_class, tr)))
        charts.append((tr("Defects by part"), pareto_chart(numbers.by_part, tr)))
    if numbers.chart:
        charts.append((tr("Failed parts hour by hour (p-chart)"), control_chart(numbers, tr)))
    return charts


def _csv(report: ShiftReport) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    numbers = report.numbers
    rows.writerow(["section", "name", "value", "of", "low", "high"])
    for name, value in (
        ("inspected", numbers.inspected),
        ("unreadable", numbers.unreadable),
        ("decided", numbers.decided),
        ("open_rechecks", numbers.open_rechecks),
        ("escapes_seen", numbers.escapes_seen),
        *numbers.verdicts.items(),
    ):
        rows.writerow(["count", name, value, "", "", ""])
    for name, rate in (
        ("yield", numbers.passed),
        ("overkill", numbers.overkill),
        ("escapes", numbers.escapes),
    ):
        rows.writerow(["rate", name, rate.count, rate.of, *(rate.interval or ("", ""))])
    for section, counted in (("class", numbers.by_class), ("part", numbers.by_part)):
        rows.writerows([section, _plain(named(name)), count, "", "", ""] for name, count in counted)
    for point in numbers.chart:
        row = ["hour", point.hour + 1, point.failed, point.of, point.low, point.high]
        rows.writerow(row)
    for one in report.drift:
        rows.writerow(["drift", one.reading, one.distance, "", one.before, one.now])
    return text.getvalue()


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _pdf(report: ShiftReport, tr: Say) -> bytes:
    paper = FPDF(format="A4")
    paper.set_auto_page_break(True, margin=15)
    paper.set_title(heading(report, tr))
    paper.add_page()
    _line(paper, heading(report, tr), size=17, bold=True)
    _table(paper, [tuple(row) for row in number_rows(report, tr)], (38, 52, 90))
    for title, chart in _charts(report, tr):
        _line(paper, title, size=12, bold=True)
        paper.image(io.BytesIO(as_png(chart)), w=130)
    _line(paper, out_of_limits(report, tr))
    _line(paper, tr("Drift"), size=12, bold=True)
    if report.drift:
        _table(paper, [drift_head(tr), *drift_rows(report.drift, tr)], (28, 38, 28, 22, 64))
    else:
        _line(paper, no_drift(report, tr))
    for line in origin(report, tr):
        _line(paper, line, size=8)
    return bytes(paper.output())


def _line(paper: FPDF, text: str, size: float = 10, bold: bool = False) -> None:
    paper.set_font(_FONT, "B" if bold else "", size)
    paper.multi_cell(
        _WIDE_MM, size * 0.55, _latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L"
    )
    paper.ln(1.5)


def _table(paper: FPDF, rows: list[tuple[str, ...]], widths_mm: tuple[int, ...]) -> None:
    paper.set_font(_FONT, "", 9)
    with paper.table(
        col_widths=widths_mm,
        width=_WIDE_MM,
        first_row_as_headings=False,
        line_height=_ROW_MM,
        text_align="LEFT",
        borders_layout="HORIZONTAL_LINES",
    ) as table:
        for cells in rows:
            row = table.row()
            for cell in cells:
                row.cell(_latin(cell))
    paper.ln(3)


def _latin(text: str) -> str:
    """Text in the letters that a PDF's own fonts have; others become question marks."""
    return text.replace("–", "-").replace("−", "-").encode("latin-1", "replace").decode("latin-1")
