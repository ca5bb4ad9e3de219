"""Whoever has the database but not the key can write no chain that an audit believes."""

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inspect_app.store import StoreReader
from inspect_app.store.anchor import Anchor
from inspect_app.store.chain import NO_SEAL, SEALED_OF_DECISION, SEALED_OF_INSPECTION, seal
from inspect_app.store.chain_key import ChainKey
from tests.store.sealed import COUNT, anchor, audited, sealed, tampered

__all__ = ["anchor", "sealed"]  # fixtures


def rewrite(connection: sqlite3.Connection, key: ChainKey, start: int, decision: str) -> None:
    """Change one decision, and seal it and all behind it anew, as the program itself would."""
    connection.row_factory = sqlite3.Row
    connection.execute("UPDATE decisions SET decision = ? WHERE id = ?", (decision, start))
    connection.execute("UPDATE chain_keys SET key_id = ?", (key.key_id,))
    (store_id,) = connection.execute("SELECT store_id FROM store_facts").fetchone()
    before = connection.execute("SELECT seal FROM decisions WHERE id = ?", (start - 1,)).fetchone()
    previous = NO_SEAL if before is None else before["seal"]
    for number in range(start, COUNT + 1):
        row = _row(connection, "decisions", SEALED_OF_DECISION, number)
        part = _row(connection, "inspections", SEALED_OF_INSPECTION, row["inspection_id"])
        previous = seal(key, store_id, row, part, previous)
        connection.execute("UPDATE decisions SET seal = ? WHERE id = ?", (previous, number))


def _row(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], number: int
) -> Mapping[str, Any]:
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?"
    return dict(connection.execute(query, (number,)).fetchone())


@hypothesis_settings(max_examples=15)
@given(
    start=st.integers(1, COUNT),
    secret=st.binary(min_size=32, max_size=32),
    decision=st.sampled_from(["pass", "recheck", "fail"]),
)
def test_a_store_that_was_rewritten_without_the_key_is_named(
    sealed: Path, start: int, secret: bytes, decision: str
) -> None:
    forger = ChainKey(secret)
    broken = tampered(
        sealed, lambda connection: rewrite(connection, forger, start, decision)
    ).broken
    assert broken is not None
    assert broken.decision == start


def test_with_the_key_only_the_anchor_tells(
    sealed: Path, anchor: Anchor, chain_key_file: Path
) -> None:
    key = ChainKey(bytes.fromhex(chain_key_file.read_text().strip()))
    assert tampered(sealed, lambda connection: rewrite(connection, key, 3, "pass")).broken is None
    broken = tampered(sealed, lambda connection: rewrite(connection, key, 3, "pass"), anchor).broken
    assert broken is not None
    assert (broken.decision, "the anchor of 2025-03-04" in broken.problem) == (6, True)


@pytest.mark.parametrize("taken", [5, 6])
def test_decisions_of_two_copies_of_a_store_cannot_be_mixed(
    sealed: Path, tmp_path: Path, taken: int
) -> None:
    other = Path(shutil.copy(sealed, tmp_path / "other.db"))
    with sqlite3.connect(other) as connection:
        connection.execute("DROP TRIGGER decisions_refuse_delete")
        connection.execute("DELETE FROM decisions WHERE id > 4")
    connection.close()
    with StoreReader(str(other)) as reader:
        for _ in range(2):
            reader.record_decision(1, "Anna", "pass", "in another copy")
    assert audited(other).broken is None

    def mix(connection: sqlite3.Connection) -> None:
        connection.execute("ATTACH ? AS other", (str(other),))
        connection.execute("DELETE FROM decisions WHERE id = ?", (taken,))
        connection.execute(
            "INSERT INTO decisions SELECT * FROM other.decisions WHERE id = ?", (taken,)
        )

    broken = tampered(sealed, mix).broken
    assert broken is not None
    assert broken.decision == 6
