"""What tests of sending share: a broker, a store, and a sender in a thread."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.scoring.results import ArrivalNotes
from inspect_app.send.destination import Destination
from inspect_app.send.message import Message
from inspect_app.send.sender import Sender
from inspect_app.store import StoreReader, StoreWriter, open_store
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.destinations import (
    DestinationRecord,
    add_destination,
)
from inspect_app.watch.stop_request import StopRequest
from tests.send.mosquitto import Broker, Subscriber, program
from tests.station.drawn_inspections import bundle
from tests.store.conftest import (
    Scored,
    any_url,
    handful,
    postgres,
    postgres_url,
    scored,
    url,
)
from tests.watch.conftest import wait_until

__all__ = ["any_url", "handful", "postgres", "postgres_url", "scored", "url"]  # fixtures

NAME = "plant"


class Plant:
    """A store whose line goes on, and a destination that is told."""

    def __init__(self, url: str, scored: Scored) -> None:
        self.url, self.said = url, list[str]()
        self._scored, self._count = scored, 0
        self._writer: StoreWriter = open_store(url)
        self._writer.register_bundle(bundle())

    def close(self) -> None:
        self._writer.close()

    def arrive(self, count: int = 1, notes: ArrivalNotes | None = None, **row: Any) -> None:
        """Let parts be inspected."""
        for _ in range(count):
            self._count += 1
            one = self._scored(f"/line/{self._count:04d}.png", **row)
            self._writer.add([replace(one, notes=notes)])

    def decide(self, inspection_id: int, decision: str = "fail") -> None:
        """Let an operator decide."""
        with StoreReader(self.url) as reader:
            reader.record_decision(inspection_id, "Anna", decision, "Kratzer")  # type: ignore[arg-type]

    def keys(self) -> list[str]:
        """The source of every inspection, in order."""
        with StoreReader(self.url) as reader:
            return [one.source for one in reader.page(limit=10_000, newest_first=False)]

    def known(self) -> DestinationRecord:
        """How the destination is doing, as the store has it."""
        with StoreReader(self.url) as reader:
            (found,) = reader.destinations()
        return found

    def add(self, from_start: bool = True, name: str = NAME) -> None:
        """Make the destination known."""
        with open_database(store_address(self.url), ChainKeyFile()) as database:
            add_destination(database, name, "mqtt://broker/line", datetime.now(UTC), from_start)

    @contextmanager
    def told(self, destination: Destination, **how: Any) -> Iterator[Sender]:
        """Send in a thread until the block ends; what the sender raises comes out of it."""
        stop, raised = StopRequest(), []
        with open_database(store_address(self.url), ChainKeyFile()) as database:
            sender = Sender(database, NAME, destination, self.said.append, stop, **how)

            def run() -> None:
                try:
                    sender.run()
                except BaseException as problem:
                    raised.append(problem)

            thread = threading.Thread(target=run)
            thread.start()
            try:
                yield sender
            finally:
                stop.ask()
                thread.join(20)
            assert not thread.is_alive()
        if raised:
            raise raised[0]

    def once(self, destination: Destination, **how: Any) -> str | None:
        """Send what waits; give the trouble, if there was one."""
        with open_database(store_address(self.url), ChainKeyFile()) as database:
            sender = Sender(database, NAME, destination, self.said.append, StopRequest(), **how)
            return sender.run(until_empty=True)


@pytest.fixture
def plant(any_url: str, scored: Scored) -> Iterator[Plant]:
    """A line on each kind of database, whose destination is told from the start."""
    plant = Plant(any_url, scored)
    plant.add()
    yield plant
    plant.close()


@pytest.fixture
def small_plant(url: str, scored: Scored) -> Iterator[Plant]:
    """The same on SQLite alone."""
    plant = Plant(url, scored)
    plant.add()
    yield plant
    plant.close()


@pytest.fixture
def broker_at(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Start a broker with some settings; skips where none is installed."""
    if program() is None:
        pytest.skip("no MQTT broker is installed; `make broker` installs Debian's mosquitto")
    started: list[Broker] = []

    def start(*settings: str) -> Broker:
        broker = Broker(tmp_path, *settings)
        broker.start()
        started.append(broker)
        return broker

    yield start
    for broker in started:
        broker.kill()


@pytest.fixture
def broker(broker_at: Callable[..., Broker]) -> Broker:
    """A broker that lets everybody in."""
    return broker_at()


@pytest.fixture
def subscriber(broker: Broker) -> Iterator[Subscriber]:
    """A receiver of all that the line tells."""
    subscriber = Subscriber(broker.port, "line/3/#")
    wait_until(lambda: subscriber.subscribed)
    yield subscriber
    subscriber.close()


def first_of_each(bodies: list[bytes]) -> list[dict[str, Any]]:
    """Messages as a receiver keeps them that drops doubles by their id."""
    kept: dict[str, dict[str, Any]] = {}
    for body in bodies:
        told = json.loads(body)
        kept.setdefault(told["MessageId"], told)
    return list(kept.values())


def message(number: int = 1, **told: Any) -> Message:
    """Any message."""
    return Message(f"id-{number}", "inspection", json.dumps({"number": number, **told}).encode())
