"""`inspect report`: what a shift produced, as a page, a PDF or a table."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from inspect_app.cli.options import StoreOption

STARTS_VARIABLE = "INSPECT_SHIFTS"


def report(
    out: Annotated[Path, typer.Option(help="The file: .html, .pdf or .csv.")],
    store: StoreOption,
    at: Annotated[
        datetime | None,
        typer.Option(help="A moment in the shift, in local time; by default the shift before now."),
    ] = None,
    shifts: Annotated[
        str, typer.Option(envvar=STARTS_VARIABLE, help="When shifts begin.")
    ] = "06:00,14:00,22:00",
    line: Annotated[str | None, typer.Option(help="Only this line.")] = None,
    add_anchor: Annotated[
        Path | None,
        typer.Option("--anchors", help="Also append where the chain of decisions ends to a file."),
    ] = None,
    chain_key: Annotated[
        Path | None,
        typer.Option(envvar="INSPECT_CHAIN_KEY", help="The key file that seals decisions."),
    ] = None,
) -> None:
    """Count a shift: yield, defects, overkill and escapes as decided, control limits, drift.

    Without --at it is the last shift that has ended, which suits a timer. The report carries where
    the chain of decisions ended: kept elsewhere, it shows if decisions are cut off later.

    Exit codes: 0 done, 2 usage, 3 no such store or key, or the file cannot be written.

    Example: inspect report --store sqlite:///line.db --out early.pdf
    """
    from datetime import timedelta

    from inspect_app.reports.document import write_report
    from inspect_app.reports.report_words import heading
    from inspect_app.reports.shift_report import make_report
    from inspect_app.reports.shifts import read_starts, shift_at
    from inspect_app.store.anchors import add_anchor as append_anchor
    from inspect_app.store.reader import StoreReader

    starts = read_starts(shifts)
    now = datetime.now().astimezone()
    moment = shift_at(now, starts).start - timedelta(minutes=1) if at is None else at
    with StoreReader(store, chain_key=chain_key) as reader:
        made = make_report(reader, shift_at(moment, starts), line)
    write_report(made, out)
    if add_anchor is not None and made.anchor is not None:
        append_anchor(add_anchor, made.anchor)
    typer.echo(f"{heading(made)}: {made.numbers.inspected:,} inspected; {out}")
