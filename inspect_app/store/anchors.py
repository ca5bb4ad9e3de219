"""Anchors of a store: taken, kept in a file outside the database, and read back.

Whoever has the database can cut off its newest decisions, or put an older copy in its place. An
anchor that lies elsewhere (a file on another machine, a shift report, a message) shows that.
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from inspect_app.store.anchor import Anchor, make_anchor
from inspect_app.store.chain_key import ChainKey, ChainKeyFile
from inspect_app.store.database import Database
from inspect_app.store.decide import key_of, last_decision
from inspect_app.store.schema import store_facts
from span_train.contract.errors import StoreError


def current_anchor(database: Database, key_file: ChainKeyFile, when: datetime) -> Anchor:
    """Note where the chain ends now. It does not check the chain; `audit_chain` does.

    Raises:
        StoreError: The key is missing, or another one than the store's.
    """
    with database.reading() as connection:
        key = key_of(connection, key_file, str(database.address))
        store_id = connection.execute(select(store_facts.c.store_id)).scalar_one()
        count, head = last_decision(connection)
    return make_anchor(key, store_id, count, head, when)


def add_anchor(file: Path, anchor: Anchor) -> None:
    """Append an anchor to a file of anchors; it is on the disk when this returns.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        with file.open("a", encoding="ascii") as lines:
            lines.write(anchor.line() + "\n")
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as problem:
        raise StoreError(f"{file}: the anchor cannot be written ({problem}).") from problem


def read_anchors(file: Path) -> list[Anchor]:
    """Read a file of anchors, in its order.

    Raises:
        StoreError: It cannot be read, or a line is no anchor.
    """
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise StoreError(f"{file}: no file of anchors that can be read ({problem}).") from None
    return [_anchor(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def check_anchors(anchors: Iterable[Anchor], key: ChainKey, store_id: str) -> None:
    """Make sure that anchors are this store's.

    Raises:
        StoreError: One is of another store or another key, or was changed.
    """
    for anchor in anchors:
        where = f"the anchor of {anchor.noted_at} over {anchor.count} decisions"
        if anchor.store_id != store_id:
            raise StoreError(f"{where} is of another store; give this store's own file.")
        if not anchor.holds(key):
            raise StoreError(f"{where} was changed, or was not made with key {key.key_id}.")


def _anchor(file: Path, number: int, line: str) -> Anchor:
    try:
        values = json.loads(line)
        anchor = Anchor(**values.get("anchor", values))  # alone, or in a message as it was sent
        if anchor.count < 0 or not all(
            isinstance(getattr(anchor, name), kind) for name, kind in Anchor.__annotations__.items()
        ):
            raise ValueError("a value is of the wrong kind")
    except (ValueError, TypeError, AttributeError) as problem:
        raise StoreError(f"{file}, line {number}: is no anchor ({problem}).") from None
    return anchor
