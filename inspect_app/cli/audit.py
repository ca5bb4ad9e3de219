"""`inspect audit`: prove that no decision in a store was changed, removed or cut off."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspect_app.cli.options import StoreOption
from span_train.contract.errors import GateMissed

if TYPE_CHECKING:
    from inspect_app.store.audit import AuditResult


def audit(
    store: StoreOption,
    anchors: Annotated[
        Path | None, typer.Option(help="A file of anchors; without it, a cut-off end goes unseen.")
    ] = None,
    add_anchor: Annotated[
        bool, typer.Option(help="When the chain is whole, append an anchor to --anchors.")
    ] = False,
    chain_key: Annotated[
        Path | None,
        typer.Option(envvar="INSPECT_CHAIN_KEY", help="The key file that seals decisions."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check every decision's seal, in order, and the anchors noted outside the database.

    Names the first decision that was changed, removed, reordered, or made without the key. With
    --add-anchor it makes the file of anchors where there is none; keep that file elsewhere.

    Exit codes: 0 whole, 2 usage, 3 no such store, key or anchors, 4 the chain is broken.

    Example: inspect audit --store sqlite:///line.db --anchors anchors.jsonl --add-anchor
    """
    from datetime import UTC, datetime

    from inspect_app.store.address import store_address
    from inspect_app.store.anchor import Anchor
    from inspect_app.store.anchors import add_anchor as append_anchor
    from inspect_app.store.anchors import current_anchor, read_anchors
    from inspect_app.store.audit import audit_chain
    from inspect_app.store.chain_key import ChainKeyFile
    from inspect_app.store.database import open_database

    if add_anchor and anchors is None:
        raise typer.BadParameter("--add-anchor needs --anchors FILE to append to.")
    key_file = ChainKeyFile(chain_key)
    with open_database(store_address(store), key_file) as database:
        known: list[Anchor] = []
        if anchors is not None and (anchors.exists() or not add_anchor):
            known = read_anchors(anchors)
        result = audit_chain(database, key_file, known)
        if add_anchor and anchors is not None and result.broken is None:
            now = datetime.now(UTC)
            append_anchor(anchors, current_anchor(database, key_file, now))
    _report(result, as_json)
    if result.broken is not None:
        raise GateMissed(f"{store_address(store)}: {_said(result)}")


def _report(result: "AuditResult", as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(_as_values(result)))
    elif result.broken is None:
        compared = f"{result.anchors} anchors" if result.anchors else "no anchor to compare with"
        typer.echo(f"Whole: {result.decisions} decisions, {compared}.")


def _said(result: "AuditResult") -> str:
    assert result.broken is not None, "only a broken chain is told of"
    return (
        f"the chain of decisions is broken at decision {result.broken.decision}: "
        f"{result.broken.problem}. Keep this store as it is, and compare it with a backup."
    )


def _as_values(result: "AuditResult") -> dict[str, Any]:
    broken = result.broken
    return {
        "whole": broken is None,
        "decisions": result.decisions,
        "head": result.head,
        "anchors": result.anchors,
        "broken": broken and {"decision": broken.decision, "problem": broken.problem},
    }
