"""Append one decision, sealed to the one before; over all processes, one at a time."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from inspect_app.store.anchor import make_anchor
from inspect_app.store.assets import Assets
from inspect_app.store.chain import NO_SEAL, SEALED_OF_INSPECTION, seal
from inspect_app.store.chain_key import ChainKey, ChainKeyFile
from inspect_app.store.database import Database
from inspect_app.store.originals import original_at
from inspect_app.store.outbox import to_be_told
from inspect_app.store.schema import chain_keys, decisions, inspections, outbox, store_facts
from span_train.contract.errors import StoreError


def append_decision(
    database: Database, assets: Assets, key_file: ChainKeyFile, values: Mapping[str, Any]
) -> Row[Any]:
    """Write a decision with the next number and its seal; give the row.

    It is to be told to the plant, and so is how the chain ends now.

    Args:
        values: inspection_id, operator, role, decision, reason and decided_at.

    Raises:
        StoreError: There is no such inspection, the key is missing or another one than the
            store's, or the database refuses.
    """
    part = _inspection(database, values["inspection_id"])
    original = _original(assets, part, values["decision"])
    with database.writing(decisions, outbox) as connection:
        key = own_key(connection, key_file, str(database.address), values["decided_at"])
        row = dict(values) | {name: part[name] for name in ("bundle_id", "t_pass", "t_fail")}
        number, previous = last_decision(connection)
        row |= {"id": number + 1, "original_asset": original}
        store_id = connection.execute(select(store_facts.c.store_id)).scalar_one()
        row["seal"] = seal(key, store_id, row, part, previous)
        written = connection.execute(insert(decisions).values(**row).returning(decisions)).one()
        to_be_told(connection, "decision", written.id)
        anchor = make_anchor(key, store_id, written.id, written.seal, written.decided_at)
        to_be_told(connection, "anchor", written.id, asdict(anchor))
        return written


def last_decision(connection: Connection) -> tuple[int, str]:
    """How many decisions there are, and the seal of the last; NO_SEAL before the first."""
    query = select(decisions.c.id, decisions.c.seal).order_by(decisions.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (0, NO_SEAL) if row is None else (row.id, row.seal)


def own_key(connection: Connection, key_file: ChainKeyFile, store: str, now: datetime) -> ChainKey:
    """The key of this store, which from now on takes no other one.

    Raises:
        StoreError: It is missing, or another one than the store's.
    """
    key = key_of(connection, key_file, store)
    if _stored_key_id(connection) is None:
        connection.execute(insert(chain_keys).values(id=1, key_id=key.key_id, since=now))
    return key


def key_of(connection: Connection, key_file: ChainKeyFile, store: str) -> ChainKey:
    """The key that seals this store's decisions; before the first decision it may be made.

    Raises:
        StoreError: It is missing, or another one than the store's.
    """
    stored = _stored_key_id(connection)
    if stored is None:
        return key_file.load_or_make()
    key = key_file.load()
    if key.key_id != stored:
        raise StoreError(
            f"{key_file.path}: is key {key.key_id}, but the decisions of {store} are sealed with "
            f"key {stored}; copy that key's file here, or name it with --chain-key."
        )
    return key


def _stored_key_id(connection: Connection) -> str | None:
    return connection.execute(select(chain_keys.c.key_id)).scalar_one_or_none()


def _inspection(database: Database, inspection_id: int) -> dict[str, Any]:
    names = {*SEALED_OF_INSPECTION, "t_pass", "t_fail", "original_asset"}
    query = select(*(inspections.c[name] for name in sorted(names)))
    with database.reading() as connection:
        row = connection.execute(query.where(inspections.c.id == inspection_id)).one_or_none()
    if row is None:
        raise StoreError(f"{database.address}: holds no inspection {inspection_id}.")
    return dict(row._mapping)


def _original(assets: Assets, part: Mapping[str, Any], decision: str) -> str | None:
    """Keep the original of a part on which operator and verdict disagree, while it is there."""
    if part["original_asset"] or part["verdict"] in (None, decision):
        return None
    content = original_at(part["source"], part["sha256"])
    if content is None:
        return None
    return assets.save_original(part["arrival_key"], content, part["source"])
