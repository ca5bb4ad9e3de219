"""What is stored is told once noted, again where it was not, by one sender at a time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from inspect_app.send.destination import NotDelivered
from inspect_app.send.message import Message
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.destinations import Turn, read_destinations, turn
from inspect_app.store.schema import decisions
from span_train.contract.errors import StoreError
from tests.send.conftest import NAME, Plant
from tests.store.postgres_server import PostgresServer
from tests.watch.conftest import wait_until


class Recorder:
    """Takes messages, and refuses when it has taken some number of them."""

    def __init__(self, takes: int = 10**9) -> None:
        self.taken: list[Message] = []
        self.takes = takes

    def deliver(self, messages: Sequence[Message]) -> Iterator[Message]:
        for message in messages:
            if len(self.taken) >= self.takes:
                raise NotDelivered("the plant is full.")
            self.taken.append(message)
            yield message

    def close(self) -> None:
        """Nothing is open."""

    def ids(self) -> list[str]:
        return [message.id for message in self.taken]


def test_each_is_told_once_and_in_order(plant: Plant) -> None:
    plant.arrive(5)
    plant.decide(2)
    recorder = Recorder()
    assert plant.once(recorder) is None
    assert plant.once(recorder) is None
    kinds = [message.kind for message in recorder.taken]
    assert kinds == ["inspection"] * 5 + ["decision", "anchor"]
    assert len(set(recorder.ids())) == 7
    assert plant.known().waiting == 0
    assert plant.known().sent_at is not None


def test_more_than_fits_at_once_is_told_too(small_plant: Plant) -> None:
    small_plant.arrive(230)
    recorder = Recorder()
    assert small_plant.once(recorder) is None
    assert len(recorder.taken) == 230


def test_what_was_taken_before_a_refusal_is_not_told_again(plant: Plant) -> None:
    plant.arrive(5)
    recorder = Recorder(takes=3)
    trouble = "the plant is full. Nothing is lost; it is tried again."
    assert plant.once(recorder) == trouble
    assert (plant.known().waiting, plant.known().trouble) == (2, trouble)
    recorder.takes = 10
    assert plant.once(recorder) is None
    assert len(recorder.ids()) == len(set(recorder.ids())) == 5
    assert (plant.known().waiting, plant.known().trouble) == (0, None)


def test_a_sender_that_dies_before_it_notes_sends_the_same_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.arrive(3)
    recorder = Recorder()
    with monkeypatch.context() as patch:
        patch.setattr(Turn, "sent", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plant.once(recorder)
    assert plant.once(recorder) is None
    assert recorder.ids()[:3] == recorder.ids()[3:]
    assert recorder.taken[:3] == recorder.taken[3:]


def test_what_comes_while_it_sends_is_told_soon(plant: Plant) -> None:
    recorder = Recorder()
    with plant.told(recorder) as sender:
        plant.arrive(2)
        wait_until(lambda: len(recorder.taken) == 2)
        plant.decide(1)
        wait_until(lambda: len(recorder.taken) == 4)
        wait_until(lambda: sender.told == 4)
    seen = plant.known().seen_at
    assert seen is not None
    assert (datetime.now(UTC) - seen).total_seconds() < 60
    assert plant.said == []


def test_a_new_destination_is_told_only_what_comes_from_then_on(small_plant: Plant) -> None:
    small_plant.arrive(3)
    small_plant.add(from_start=False, name="late")
    small_plant.arrive(1)
    with open_database(store_address(small_plant.url), ChainKeyFile()) as database:
        waiting = {one.name: one.waiting for one in read_destinations(database)}
        assert waiting == {"late": 1, NAME: 4}
    small_plant.add(from_start=True, name="late")  # known already: it keeps its place
    with open_database(store_address(small_plant.url), ChainKeyFile()) as database:
        assert {one.name: one.waiting for one in read_destinations(database)} == waiting


def test_one_sender_at_a_time_and_another_stands_by(plant: Plant) -> None:
    first, second = Recorder(), Recorder()
    with plant.told(first):
        plant.arrive()
        wait_until(lambda: len(first.taken) == 1)
        with plant.told(second):
            wait_until(lambda: bool(plant.said))
            plant.arrive()
            wait_until(lambda: len(first.taken) == 2)
            assert second.taken == []
    assert plant.said[0] == "Another process sends to plant; standing by."
    plant.arrive()
    assert plant.once(second) is None
    assert len(second.taken) == 1


def test_an_inspection_and_what_tells_of_it_are_written_together(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inspect_app.store.writer as writer

    with monkeypatch.context() as patch:
        patch.setattr(writer, "to_be_told", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plant.arrive()
    assert plant.keys() == []
    plant.arrive()
    assert (len(plant.keys()), plant.known().waiting) == (1, 1)


def test_a_decision_and_what_tells_of_it_are_written_together(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inspect_app.store.decide as decide

    plant.arrive()
    with monkeypatch.context() as patch:
        patch.setattr(decide, "to_be_told", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plant.decide(1)
    with (
        open_database(store_address(plant.url), ChainKeyFile()) as database,
        database.reading() as connection,
    ):
        assert connection.execute(decisions.select()).all() == []
    assert plant.known().waiting == 1


def test_nothing_in_the_outbox_can_be_changed(plant: Plant) -> None:
    plant.arrive()
    for statement in ("DELETE FROM outbox", "UPDATE outbox SET about = 2"):
        with (
            open_database(store_address(plant.url), ChainKeyFile()) as database,
            pytest.raises(StoreError, match="outbox are immutable"),
            database.reading() as connection,
        ):
            connection.execute(text(statement))


def test_a_database_that_was_away_is_waited_for(
    postgres: PostgresServer, postgres_url: str, plant: Plant
) -> None:
    if not plant.url.startswith("postgresql"):
        return
    recorder = Recorder()
    with plant.told(recorder):
        plant.arrive()
        wait_until(lambda: len(recorder.taken) == 1)
        postgres.cut_off(plant.url)
        wait_until(lambda: bool(plant.said))
        plant.arrive()
        wait_until(lambda: len(set(recorder.ids())) == 2)  # the first may be told twice
    assert "the database refused" in plant.said[0]
    assert plant.said[-1] == "Sending to plant again."


def test_the_right_to_send_is_one_of_its_name(plant: Plant) -> None:
    with open_database(store_address(plant.url), ChainKeyFile()) as database:
        with turn(database, "a") as first, turn(database, "b") as second:
            assert first is not None
            assert second is not None
            with turn(database, "a") as third:
                assert third is None
        with turn(database, "a") as again:
            assert again is not None
