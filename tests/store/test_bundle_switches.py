"""Who switched a bundle when and why stays; only an engineer may ask."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from inspect_app.store.reader import StoreReader
from inspect_app.store.records import OperatorRecord, Role
from inspect_app.store.schema import bundle_switches
from inspect_app.store.writer import open_store
from span_train.contract.errors import StoreError

OLD, NEW = "a" * 64, "c" * 64
NAMES = ("relay-v5 (cccccccc)", "relay-v4 (aaaaaaaa)")


@pytest.fixture
def store(any_url: str) -> Iterator[StoreReader]:
    """An empty store on each kind of database."""
    open_store(any_url).close()
    with StoreReader(any_url) as reader:
        yield reader


def somebody(role: Role) -> OperatorRecord:
    """Signed in with a role."""
    return OperatorRecord(1, "Anna", role, True, datetime.now(UTC), "a test")


def test_a_switch_is_asked_for_and_answered(store: StoreReader) -> None:
    engineer = somebody("engineer")
    store.bundle_switches.ask("line", NEW, NAMES, engineer, " fewer escapes ")
    asked = store.bundle_switches.open_for("line")
    assert asked is not None
    assert (asked.bundle_id, asked.reason, asked.operator) == (NEW, "fewer escapes", engineer.name)
    assert store.bundle_switches.open_for("another line") is None
    assert store.bundle_switches.last_taken("line") is None
    store.bundle_switches.answer(asked.id, "taken", OLD)
    assert store.bundle_switches.open_for("line") is None
    (kept,) = store.bundle_switches.recent()
    assert kept == store.bundle_switches.last_taken("line")
    assert (kept.outcome, kept.previous, kept.started_with) == ("taken", NAMES[1], OLD)


@pytest.mark.parametrize("role", ["operator", "reviewer"])
def test_only_an_engineer_may_ask(store: StoreReader, role: Role) -> None:
    with pytest.raises(StoreError, match="takes the role of engineer"):
        store.bundle_switches.ask("line", NEW, NAMES, somebody(role), "why not")
    assert store.bundle_switches.recent() == []


def test_a_switch_needs_a_reason_and_the_answer_to_the_one_before(store: StoreReader) -> None:
    engineer = somebody("engineer")
    with pytest.raises(StoreError, match="reason is missing"):
        store.bundle_switches.ask("line", NEW, NAMES, engineer, "  ")
    store.bundle_switches.ask("line", NEW, NAMES, engineer, "first")
    with pytest.raises(StoreError, match="has not answered yet"):
        store.bundle_switches.ask("line", OLD, NAMES, engineer, "second")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bundle_switches SET operator = 'Mallory'",
        "DELETE FROM bundle_switches",
        "UPDATE bundle_switch_answers SET outcome = 'taken'",
        "DELETE FROM bundle_switch_answers",
    ],
)
def test_what_was_switched_cannot_be_changed(store: StoreReader, change: str) -> None:
    store.bundle_switches.ask("line", NEW, NAMES, somebody("engineer"), "why")
    store.bundle_switches.answer(1, "refused", OLD, "damaged")
    with (
        pytest.raises(StoreError, match="immutable"),
        store._database.writing(bundle_switches) as connection,
    ):
        connection.execute(text(change))
