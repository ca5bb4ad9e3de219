"""A shift report is written as a page, a PDF and a table, and carries the chain's end."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inspect_app.reports.document import as_bytes, write_report
from inspect_app.reports.shift_numbers import count_shift
from inspect_app.reports.shift_report import ShiftReport, make_report
from inspect_app.reports.shifts import Shift
from inspect_app.store import StoreReader
from span_train.contract.errors import InputError
from tests.station.drawn_inspections import a_handful, store_with


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShiftReport]:
    """Of a store with a handful of parts, one of them decided."""
    folder = tmp_path_factory.mktemp("report")
    with StoreReader(store_with(a_handful(), folder)) as store:
        store.record_decision(3, "Anna", "pass", "dust", "reviewer")
        newest = store.questions.newest_at()
        assert newest is not None
        hour = timedelta(hours=1)
        yield make_report(store, Shift(newest - hour, newest + hour))


def test_the_report_counts_the_store(report: ShiftReport) -> None:
    numbers = report.numbers
    assert numbers.inspected == 6
    assert numbers.unreadable == 1
    assert (numbers.overkill.count, numbers.overkill.of) == (1, 1)
    assert report.anchor is not None
    assert report.anchor.count == 1


def test_the_page_stands_alone_and_carries_the_anchor(report: ShiftReport) -> None:
    page = as_bytes(report, "html").decode()
    assert page.count("<svg") == 3
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "src=" not in page
    assert report.anchor is not None
    assert report.anchor.head in page


def test_names_from_outside_are_never_html(report: ShiftReport) -> None:
    evil = "<script>alert(1)</script>"
    named = replace(
        report, line=evil, numbers=replace(report.numbers, by_class=[(evil, 3)]), store=evil
    )
    page = as_bytes(named, "html").decode()
    assert "<script" not in page


def test_the_pdf_is_one(report: ShiftReport) -> None:
    content = as_bytes(replace(report, line="Löt 3 – 日本"), "pdf")
    assert content.startswith(b"%PDF")
    assert len(content) > 10_000


def test_the_table_can_be_read_back_and_holds_no_formula(report: ShiftReport) -> None:
    numbers = replace(report.numbers, by_class=[("=cmd()", 2)])
    text = as_bytes(replace(report, numbers=numbers), "csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"section": "count", "name": "inspected", "value": "6"}.items() <= rows[0].items()
    assert [row["name"] for row in rows if row["section"] == "class"] == ["'=cmd()"]


def test_an_empty_shift_is_written_too(report: ShiftReport) -> None:
    nothing = replace(
        report, numbers=count_shift(report.numbers.shift, [], []), drift=[], bundles=[]
    )
    for kind in ("html", "pdf", "csv"):
        assert as_bytes(nothing, kind)


def test_an_ending_that_says_nothing_is_refused(report: ShiftReport, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name it \.html, \.pdf or \.csv"):
        write_report(report, tmp_path / "shift.docx")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(report, tmp_path / "none" / "shift.csv")
