"""`inspect labels`: what operators decided, as labels and original images for the next training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_app.cli.options import StoreOption

if TYPE_CHECKING:
    from inspect_app.store.database import Database


def labels(
    store: StoreOption,
    out: Annotated[
        Path | None, typer.Option(help="A new folder for labels.csv and images.")
    ] = None,
    only_count: Annotated[
        bool, typer.Option(help="Write nothing; say how many labels are new since the last export.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write labels.csv, and the original image of every part that operators have decided on.

    A part's images share a group, so that they stay in one split. A reviewer's decision settles
    what operators disagree about; what nobody has settled is in conflicts.csv and gets no label.
    Decided images that are in the store no more are listed in missing.csv. Name labels.csv in the
    line's YAML, and `inspect train` takes it as it is.

    Exit codes: 0 done, 2 usage, 3 no such store, nothing decided, or OUT exists.

    Example: inspect labels --store sqlite:///line.db --out new-labels
    """
    if only_count == (out is not None):
        raise typer.BadParameter("give either --out DIR or --only-count.")
    from inspect_app.store.address import store_address
    from inspect_app.store.assets import Assets
    from inspect_app.store.chain_key import ChainKeyFile
    from inspect_app.store.database import open_database
    from inspect_app.store.labels import export_labels

    address = store_address(store)
    with open_database(address, ChainKeyFile()) as database:
        if out is None:
            _tell_new(database, as_json)
            return
        found = export_labels(database, Assets(address.assets), out)
    if as_json:
        import json

        counts = {"conflicts": found.conflicts, "missing": found.missing, "open": found.still_open}
        typer.echo(json.dumps({"labels": dict(found.classes), **counts}))
        return
    named = ", ".join(f"{count} {name}" for name, count in sorted(found.classes.items()))
    typer.echo(f"{out / 'labels.csv'}: {named or 'no label'}")
    for count, what in (
        (found.conflicts, "on which operators disagree: conflicts.csv"),
        (found.missing, "whose original is not in the store: missing.csv"),
        (found.still_open, "still to be rechecked"),
    ):
        if count:
            typer.echo(f"Left out: {count} {what}")


def _tell_new(database: Database, as_json: bool) -> None:
    from dataclasses import asdict

    from inspect_app.store.new_labels import new_labels

    new = new_labels(database)
    if as_json:
        import json

        typer.echo(json.dumps({**asdict(new), "worth_it": new.is_worth_it}))
        return
    typer.echo(
        f"New since the last export: {new.good} good, {new.defective} defective; "
        f"{new.surprising} of them the line had judged otherwise."
    )
    if new.conflicts:
        typer.echo(f"Operators disagree on {new.conflicts}; a reviewer may settle them first.")
    typer.echo("Enough for a new training." if new.is_worth_it else "Not yet worth a new training.")
