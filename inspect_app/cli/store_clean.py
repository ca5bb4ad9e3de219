"""`inspect store-clean`: free the disk of files that no record in a store needs any more."""

from typing import Annotated

import typer

from inspect_app.cli.options import StoreOption


def store_clean(
    store: StoreOption,
    keep_days: Annotated[
        float, typer.Option(min=0, help="How many days of pictures stay, whatever the verdict.")
    ],
    dry_run: Annotated[bool, typer.Option(help="Only say what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Remove pictures and maps of old passes, and originals that were exported as labels.

    Kept whatever their age: all of parts that somebody has decided on (their originals until they
    are exported), of rechecks and fails, and of passes chosen for blind review. Rows are never
    removed. Files that no row names go too, once they are a day old.

    Exit codes: 0 done, 2 usage, 3 no such store.

    Example: inspect store-clean --store sqlite:///line.db --keep-days 90 --dry-run
    """
    from dataclasses import asdict
    from datetime import UTC, datetime, timedelta

    from inspect_app.store.address import store_address
    from inspect_app.store.assets import Assets
    from inspect_app.store.chain_key import ChainKeyFile
    from inspect_app.store.clean import clean
    from inspect_app.store.database import open_database

    address = store_address(store)
    with open_database(address, ChainKeyFile()) as database:
        keep, now = timedelta(days=keep_days), datetime.now(UTC)
        done = clean(database, Assets(address.assets), now, keep, only_count=dry_run)
    if as_json:
        import json

        typer.echo(json.dumps(asdict(done)))
        return
    verb = "Would remove" if dry_run else "Removed"
    freed_mb = done.freed_bytes / 1e6
    typer.echo(f"{verb} {done.files} files and {done.unnamed} that no row names: {freed_mb:.1f} MB")
