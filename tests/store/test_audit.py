"""The chain of decisions: whatever is done to it without the key, the audit names where."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inspect_app.store import StoreReader, open_store
from inspect_app.store.address import store_address
from inspect_app.store.anchor import Anchor
from inspect_app.store.anchors import add_anchor, read_anchors
from inspect_app.store.audit import AuditResult, audit_chain
from inspect_app.store.chain import NO_SEAL, SealedDecision, seal, walk
from inspect_app.store.chain_key import ChainKey, ChainKeyFile
from inspect_app.store.database import open_database
from span_train.contract.errors import StoreError
from tests.store.sealed import COUNT, anchor, audited, sealed, tampered

__all__ = ["anchor", "sealed"]  # fixtures


def test_a_chain_that_nobody_touched_is_whole(sealed: Path, anchor: Anchor) -> None:
    assert audited(sealed, anchor) == AuditResult(COUNT, anchor.head, 1, None)
    assert anchor.count == COUNT


def test_a_store_without_decisions_is_whole_and_needs_no_key(tmp_path: Path) -> None:
    url = str(tmp_path / "line.db")
    open_store(url).close()
    key = ChainKeyFile(tmp_path / "no.key")
    with open_database(store_address(url), key) as database:
        assert audit_chain(database, key) == AuditResult(0, NO_SEAL, 0, None)
    assert not key.path.exists()


CHANGES = st.sampled_from(
    [
        ("decisions", "operator", "'Ben'"),
        ("decisions", "role", "'engineer'"),
        ("decisions", "decision", "'pass'"),
        ("decisions", "reason", "''"),
        ("decisions", "reason", "x'ff'"),
        ("decisions", "decided_at", "'2020-01-01T00:00:00.000000+00:00'"),
        ("decisions", "decided_at", "'yesterday'"),
        ("decisions", "inspection_id", "5"),
        ("decisions", "bundle_id", "'another'"),
        ("decisions", "t_fail", "99.5"),
        ("decisions", "t_fail", "9e999"),
        ("decisions", "seal", f"'{NO_SEAL}'"),
    ]
)


@hypothesis_settings(max_examples=25)
@given(change=CHANGES, number=st.integers(1, COUNT))
def test_a_changed_decision_is_named(
    sealed: Path, change: tuple[str, str, str], number: int
) -> None:
    table, column, value = change
    statement = f"UPDATE {table} SET {column} = {value} WHERE id = {number}"
    broken = tampered(sealed, lambda connection: connection.execute(statement)).broken
    assert broken is not None
    assert broken.decision == number


@hypothesis_settings(max_examples=10)
@given(
    column=st.sampled_from(["sha256", "source", "verdict", "z", "part_id", "inspected_at"]),
    number=st.integers(1, 4),
)
def test_a_changed_inspection_is_named_by_its_first_decision(
    sealed: Path, column: str, number: int
) -> None:
    value = "'pass'" if column == "verdict" and number > 1 else "'recheck'"
    statement = f"UPDATE inspections SET {column} = {value} WHERE id = {number}"
    broken = tampered(sealed, lambda connection: connection.execute(statement)).broken
    assert broken is not None
    assert broken.decision == number


@hypothesis_settings(max_examples=15)
@given(removed=st.sets(st.integers(1, COUNT), min_size=1), close_gaps=st.booleans())
def test_removed_decisions_are_named(
    sealed: Path, anchor: Anchor, removed: set[int], close_gaps: bool
) -> None:
    def remove(connection: sqlite3.Connection) -> None:
        connection.execute(f"DELETE FROM decisions WHERE id IN ({', '.join(map(str, removed))})")
        if close_gaps:
            left = connection.execute("SELECT id FROM decisions ORDER BY id").fetchall()
            for new, (old,) in enumerate(left, start=1):
                connection.execute("UPDATE decisions SET id = ? WHERE id = ?", (new, old))

    broken = tampered(sealed, remove, anchor).broken
    assert broken is not None
    assert broken.decision == min(removed)
    if not close_gaps:
        assert "it is missing" in broken.problem


@hypothesis_settings(max_examples=15)
@given(order=st.permutations(range(1, COUNT + 1)).filter(lambda one: one != sorted(one)))
def test_reordered_decisions_are_named(sealed: Path, order: list[int]) -> None:
    def reorder(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE decisions SET id = id + 100")
        for new, old in enumerate(order, start=1):
            connection.execute("UPDATE decisions SET id = ? WHERE id = ?", (new, old + 100))

    broken = tampered(sealed, reorder).broken
    assert broken is not None
    assert broken.decision == next(new for new, old in enumerate(order, 1) if new != old)


@pytest.mark.parametrize("left", range(COUNT))
def test_an_end_that_was_cut_off_shows_by_an_anchor_alone(
    sealed: Path, anchor: Anchor, left: int
) -> None:
    def cut(connection: sqlite3.Connection) -> None:
        connection.execute(f"DELETE FROM decisions WHERE id > {left}")
        connection.execute("DELETE FROM chain_keys")

    assert tampered(sealed, cut).broken is None
    result = tampered(sealed, cut, anchor)
    assert result.broken is not None
    assert result.broken.decision == left + 1
    assert f"counts 6 decisions, {left} are there" in result.broken.problem


def test_a_decision_that_was_put_in_without_the_key_is_named(sealed: Path) -> None:
    columns = "inspection_id, operator, role, decision, reason, decided_at, bundle_id"
    statement = (
        f"INSERT INTO decisions (id, {columns}, seal) "
        f"SELECT 7, {columns}, seal FROM decisions WHERE id = 6"
    )
    broken = tampered(sealed, lambda connection: connection.execute(statement)).broken
    assert broken is not None
    assert broken.decision == 7


def test_a_decision_whose_inspection_is_gone_is_named(sealed: Path) -> None:
    statement = "DELETE FROM inspections WHERE id = 2"
    broken = tampered(sealed, lambda connection: connection.execute(statement)).broken
    assert broken is not None
    assert (broken.decision, "inspection 2" in broken.problem) == (2, True)


@hypothesis_settings(max_examples=30)
@given(start=st.integers(0, COUNT - 1), secret=st.binary(min_size=32, max_size=32), data=st.data())
def test_a_chain_that_was_rewritten_with_another_key_is_named(
    start: int, secret: bytes, data: st.DataObject
) -> None:
    key, forger = ChainKey(b"k" * 32), ChainKey(secret)
    part = dict.fromkeys(
        ("id", "arrival_key", "source", "sha256", "arrived_at", "inspected_at", "bundle_id")
        + ("part_id", "status", "verdict", "defect_type", "z"),
        1,
    )
    previous, chain = NO_SEAL, []
    for number in range(1, COUNT + 1):
        values = dict.fromkeys(
            ("inspection_id", "role", "decision", "reason", "decided_at", "bundle_id", "t_pass")
            + ("t_fail",),
            1,
        )
        reason = data.draw(st.text(max_size=3))
        decision = {**values, "id": number, "operator": reason}
        signer = key if number <= start else forger
        previous = seal(signer, "store", decision, part, previous)
        chain.append(SealedDecision(decision, part, previous))
    *_, last = walk(key, "store", chain)
    if forger == key:
        return
    assert getattr(last, "decision", None) == start + 1


def test_an_older_copy_with_other_decisions_behind_is_named(
    sealed: Path, anchor: Anchor, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(sealed, tmp_path))
    with sqlite3.connect(copy) as connection:
        connection.execute("DROP TRIGGER decisions_refuse_delete")
        connection.execute("DELETE FROM decisions WHERE id > 4")
    connection.close()
    with StoreReader(str(copy)) as reader:
        for _ in range(3):
            reader.record_decision(1, "Anna", "pass")
    assert audited(copy).broken is None
    broken = audited(copy, anchor).broken
    assert broken is not None
    assert (broken.decision, "anchor of 2025-03-04" in broken.problem) == (6, True)


def test_anchors_come_back_from_their_file(anchor: Anchor, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    add_anchor(file, anchor)
    add_anchor(file, anchor)
    assert read_anchors(file) == [anchor, anchor]


@pytest.mark.parametrize("line", ["{}", "[]", "x", '{"count": 1}', '"store_id"'])
def test_a_line_that_is_no_anchor_is_named(anchor: Anchor, tmp_path: Path, line: str) -> None:
    file = tmp_path / "anchors.jsonl"
    file.write_text(f"{anchor.line()}\n{line}\n")
    with pytest.raises(StoreError, match=r"anchors\.jsonl, line 2: is no anchor"):
        read_anchors(file)


def test_an_anchor_that_was_changed_or_is_of_another_store_is_refused(
    sealed: Path, anchor: Anchor
) -> None:
    values = json.loads(anchor.line())
    with pytest.raises(StoreError, match="over 5 decisions was changed"):
        audited(sealed, Anchor(**values | {"count": 5}))
    with pytest.raises(StoreError, match="is of another store"):
        audited(sealed, Anchor(**values | {"store_id": "another"}))


@pytest.fixture
def other_key(tmp_path: Path) -> ChainKeyFile:
    """A key that this store was not sealed with."""
    key = ChainKeyFile(tmp_path / "other.key")
    key.load_or_make()
    return key


def test_a_station_with_another_key_is_told_to_fetch_the_first(
    sealed: Path, tmp_path: Path, other_key: ChainKeyFile
) -> None:
    copy = shutil.copy(sealed, tmp_path)
    with (
        StoreReader(copy, chain_key=other_key.path) as reader,
        pytest.raises(StoreError, match=r"sealed with key [0-9a-f]{16}; copy that key's file"),
    ):
        reader.record_decision(1, "Anna", "pass")


def test_a_station_without_the_key_never_makes_a_second_one(sealed: Path, tmp_path: Path) -> None:
    copy, missing = shutil.copy(sealed, tmp_path), tmp_path / "missing.key"
    with StoreReader(copy, chain_key=missing) as reader:
        with pytest.raises(StoreError, match=r"missing\.key: the key .* is missing; copy it"):
            reader.record_decision(1, "Anna", "pass")
        with pytest.raises(StoreError, match=r"the key .* is missing"):
            reader.anchor()
    assert not missing.exists()


def test_an_auditor_with_another_key_sees_the_first_decision_broken(
    sealed: Path, other_key: ChainKeyFile
) -> None:
    with open_database(store_address(str(sealed)), other_key) as database:
        broken = audit_chain(database, other_key).broken
    assert broken is not None
    assert (broken.decision, "not made with this key" in broken.problem) == (1, True)
