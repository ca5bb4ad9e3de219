"""`inspect store-backup`: a copy of a store, made while the line goes on."""

from pathlib import Path
from typing import Annotated

import typer


def store_backup(
    store: Annotated[
        str, typer.Option(envvar="INSPECT_STORE_URL", help="The store: sqlite:///FILE.")
    ],
    out: Annotated[Path, typer.Option(help="The new file; its pictures go to OUT.assets.")],
    no_files: Annotated[
        bool, typer.Option(help="Copy the database alone, without pictures and originals.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Copy the database as it is at one moment, then the files it names; check the copy.

    The copy is a store: `inspect station --store OUT` shows it. The key that seals decisions is not
    copied; keep it in another place. A store on PostgreSQL is backed up with pg_dump.

    Exit codes: 0 done, 2 usage, 3 no such store, OUT exists, or no room.

    Example: inspect store-backup --store sqlite:///line.db --out backup/line-monday.db
    """
    from dataclasses import asdict

    from inspect_app.store.address import store_address
    from inspect_app.store.backup import back_up
    from inspect_app.store.chain_key import ChainKeyFile
    from inspect_app.store.database import open_database

    address = store_address(store)
    open_database(address, ChainKeyFile()).close()
    done = back_up(address, out, with_files=not no_files)
    if as_json:
        import json

        typer.echo(json.dumps(asdict(done)))
        return
    typer.echo(
        f"{out}: {done.inspections} inspections, {done.decisions} decisions, {done.files} files"
    )
    if done.missing:
        typer.echo(f"{done.missing} files that rows name were not there")
