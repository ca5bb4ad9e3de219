"""A watch goes on with another bundle when an engineer asks, and loses no arrival over it."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.bundle.read import open_bundle
from deploy.runtime.inspector import Inspector
from inspect_app.store.bundle_switches import BundleSwitch
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import OperatorRecord
from inspect_app.store.writer import StoreWriter, open_store
from inspect_app.watch import next_bundle as module
from inspect_app.watch.next_bundle import NextBundle, prepared, to_start_with
from inspect_app.watch.offered_bundles import offered_bundles
from span_train.contract.errors import BundleError, StoreError
from tests.watch.conftest import Line, WritePart, drop, wait_until
from tests.watch.other_bundles import stricter


@pytest.fixture
def shelf(own_bundle: Path, tmp_path: Path) -> Path:
    """A folder with the line's bundle and a stricter one."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    own_bundle.rename(folder / "first")
    stricter(folder / "first", folder / "second")
    (folder / "no bundle").mkdir()
    return folder


@pytest.fixture
def switching(
    line: Line, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[StoreWriter], Callable[[Inspector], Inspector]]:
    """How a watch on the line takes bundles from the shelf."""
    monkeypatch.setattr(module, "_ASK_EVERY_S", 0.05)
    how = partial(prepared, provider="cpu", threads=1, max_batch=2)

    def after(writer: StoreWriter) -> Callable[[Inspector], Inspector]:
        given = open_bundle(shelf / "first")
        return NextBundle(writer, shelf, line.health, given, how).after

    return after


def ask(line: Line, bundle_id: str) -> None:
    """An engineer asks for a bundle."""
    anna = OperatorRecord(1, "Anna", "engineer", True, datetime.now(UTC), "a test")
    with StoreReader(line.url) as store:
        store.bundle_switches.ask(line.health.feed, bundle_id, ("new", "old"), anna, "a test")


def answers(line: Line) -> list[BundleSwitch]:
    """The switches that were answered, the newest first."""
    with StoreReader(line.url) as store:
        return [one for one in store.bundle_switches.recent() if one.outcome is not None]


def test_the_next_arrivals_are_inspected_with_the_bundle_asked_for_and_back(
    line: Line,
    shelf: Path,
    write_part: WritePart,
    switching: Callable[[StoreWriter], Callable[[Inspector], Inspector]],
) -> None:
    first, second = (open_bundle(shelf / name).bundle_id for name in ("first", "second"))
    with line.watched(next_bundle=switching):
        drop(line, write_part, "a.png")
        wait_until(lambda: len(line.rows()) == 1)
        ask(line, second)
        for number in range(6):  # while it is verified
            drop(line, write_part, f"b{number}.png", number)
        wait_until(lambda: len(answers(line)) == 1 and len(line.rows()) == 7)
        drop(line, write_part, "c.png")
        wait_until(lambda: len(line.rows()) == 8)
        assert line.health.bundle_id == second
        ask(line, first)
        wait_until(lambda: len(answers(line)) == 2)
        drop(line, write_part, "d.png")
        wait_until(lambda: len(line.rows()) == 9)
    used = {row.file_name: row.bundle_id for row in line.rows()}
    assert len(used) == 9
    assert (used["a.png"], used["c.png"], used["d.png"]) == (first, second, first)
    assert line.left() == []
    assert {one.outcome for one in answers(line)} == {"taken"}
    assert {one["bundle_id"] for one in line.health.offered} == {first, second}


def test_a_bundle_that_does_not_verify_is_refused_and_the_line_goes_on(
    line: Line,
    shelf: Path,
    write_part: WritePart,
    switching: Callable[[StoreWriter], Callable[[Inspector], Inspector]],
) -> None:
    second = open_bundle(shelf / "second").bundle_id
    (shelf / "second" / "policy.json").write_text("{}")
    with line.watched(next_bundle=switching):
        ask(line, second)
        wait_until(lambda: len(answers(line)) == 1)
        drop(line, write_part, "a.png")
        wait_until(lambda: len(line.rows()) == 1)
        ask(line, "0" * 64)
        wait_until(lambda: len(answers(line)) == 2)
    missing, damaged = answers(line)
    assert {missing.outcome, damaged.outcome} == {"refused"}
    assert "policy.json" in str(damaged.why)
    assert f"{shelf}: holds no bundle 00000000 any more" in str(missing.why)
    assert line.rows()[0].bundle_id == open_bundle(shelf / "first").bundle_id


def test_a_switch_holds_until_the_watch_is_started_with_another_bundle(
    line: Line, shelf: Path
) -> None:
    first, second = (open_bundle(shelf / name) for name in ("first", "second"))
    with StoreReader(line.url) as store:
        ask(line, second.bundle_id)
        store.bundle_switches.answer(1, "taken", first.bundle_id)
        last = store.bundle_switches.last_taken(line.health.feed)
    assert to_start_with(first, None, shelf).bundle_id == first.bundle_id
    assert to_start_with(first, last, shelf).bundle_id == second.bundle_id
    assert to_start_with(second, last, shelf).bundle_id == second.bundle_id
    (shelf / "second").rename(shelf.with_name("elsewhere"))
    with pytest.raises(BundleError, match="holds no bundle new, which Anna switched to"):
        to_start_with(first, last, shelf)


def test_bundles_beside_are_offered_once_each(shelf: Path, tmp_path: Path) -> None:
    given = shelf / "first"
    both = offered_bundles(shelf, given)
    assert sorted(one.path.name for one in both) == ["first", "second"]
    assert [one.path for one in offered_bundles(tmp_path / "none such", given)] == [given]


class Forgetful:
    """A store whose connection breaks right after it has written an answer, once."""

    def __init__(self, writer: StoreWriter) -> None:
        self.bundle_switches, self._switches, self.broke = self, writer.bundle_switches, 0
        self.register_bundle = writer.register_bundle
        self.open_for = self._switches.open_for

    def answer(self, *what: Any) -> None:
        self._switches.answer(*what)
        if not self.broke:
            self.broke += 1
            raise StoreError("the connection is lost")


def test_an_answer_that_was_written_before_the_connection_broke_counts(
    line: Line, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ASK_EVERY_S", 0.0)
    first, second = (open_bundle(shelf / name) for name in ("first", "second"))
    how = partial(prepared, provider="cpu", threads=1, max_batch=2)
    with open_store(line.url) as writer:
        store = Forgetful(writer)
        switch, current = NextBundle(store, shelf, line.health, first, how), line.inspector
        ask(line, second.bundle_id)

        def gone_on() -> bool:
            nonlocal current
            current = switch.after(current)
            return current.bundle.bundle_id == second.bundle_id

        wait_until(gone_on)
    assert store.broke == 1
    assert [one.outcome for one in answers(line)] == ["taken"]
