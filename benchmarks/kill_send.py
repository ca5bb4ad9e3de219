"""Kill `inspect send` and the broker at random moments while parts come, and count messages.

    PYTHONPATH=. python benchmarks/kill_send.py --store URL [--count 1000] [--kills 50]
        [--broker-kills 10] [--rate 20] [--seed 0] [--out FILE.json]

Drawn parts go into an empty store at a rate, every tenth is decided on. Every kill is a SIGKILL to
the real command, at a moment anywhere from its start on; then it is started again. The broker (a
mosquitto of its own, with persistence) is killed as well, and comes back after a second or two. A
receiver with a session of its own takes what the broker has. At the end it must have, doubles
dropped, each inspection and each decision with the chain's end behind it, in the order of the
store, and nothing else; what the broker only retains does not count. Exit code 0 where all of that
holds, else 1.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from where_it_ran import in_words, where_it_ran

from inspect_app.store import StoreReader, open_store
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.outbox import entries_after
from tests.send.mosquitto import Broker, Subscriber
from tests.station.drawn_inspections import bundle, scored_image

_DECIDED_EVERY = 10
_LONGEST_WORK_S, _LONGEST_AWAY_S = 3.0, 2.0
_LONGEST_S = 120.0


@dataclass
class Outcome:
    """What happened.

    Attributes:
        messages: How many different ones the outbox held.
        received: How many the receiver got, doubles and all.
        kills, broker_kills: How often each was killed.
        mistakes: Anything that is not as promised; empty where all is well.
    """

    store: str
    messages: int = 0
    received: int = 0
    kills: int = 0
    broker_kills: int = 0
    took_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)


def main() -> int:
    """Let parts come, kill, start again, count."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(asked, Path(folder))
    print(*in_words(where_it_ran()), sep="\n")
    print(f"\n{outcome.store}: {outcome.messages} messages, {outcome.received} received in all")
    print(f"{outcome.kills} kills of the sender, {outcome.broker_kills} of the broker")
    print(f"in {outcome.took_s:.0f} s:", *outcome.mistakes or ["each once, in order"], sep="\n")
    if asked.out is not None:
        asked.out.write_text(json.dumps({**asdict(outcome), **where_it_ran()}, indent=1))
    return 1 if outcome.mistakes else 0


def measure(asked: argparse.Namespace, place: Path) -> Outcome:
    """Kill the sender and the broker while parts come; then let it finish, and compare."""
    outcome = Outcome("SQLite" if store_address(asked.store).file else "PostgreSQL")
    draws, started = random.Random(asked.seed), time.monotonic()
    with open_store(asked.store) as writer:
        writer.register_bundle(bundle())
    broker = Broker(place)
    broker.start()
    receiver = Subscriber(broker.port, "line/#")
    over = threading.Event()
    feeder = threading.Thread(target=_feed, args=(asked,), daemon=True)
    trouble = threading.Thread(target=_kill_broker, args=(asked, broker, over, outcome))
    feeder.start()
    trouble.start()
    for _ in range(asked.kills):
        with _sender(asked.store, broker.port) as command:
            time.sleep(draws.uniform(0.0, _LONGEST_WORK_S))
            command.kill()
            command.wait()
        outcome.kills += 1
    feeder.join()
    over.set()
    trouble.join()
    with _sender(asked.store, broker.port) as command:
        _compare(asked.store, receiver, outcome)
        command.terminate()
        if code := command.wait():
            outcome.mistakes.append(f"SIGTERM ended it with code {code}, expected 0")
    receiver.close()
    broker.kill()
    outcome.took_s = round(time.monotonic() - started, 1)
    return outcome


def _sender(store: str, port: int) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-m", "inspect_app.cli.main", "send"]
    return subprocess.Popen(
        [*program, f"mqtt://127.0.0.1:{port}/line", "--name", "plant", "--from-start"],
        env=os.environ | {"INSPECT_STORE_URL": store},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _feed(asked: argparse.Namespace) -> None:
    part = scored_image(0, "/line/part.png", 1, "unreadable")
    with open_store(asked.store) as writer, StoreReader(asked.store) as reader:
        for number in range(asked.count):
            row = asdict(part.row) | {"path": f"/line/{number:05d}.png", "quality": None}
            writer.add([type(part)(0, type(part.row)(**row), None, None)])
            if number % _DECIDED_EVERY == 0:
                reader.record_decision(number + 1, "Anna", "recheck")
            time.sleep(1 / asked.rate)


def _kill_broker(
    asked: argparse.Namespace, broker: Broker, over: threading.Event, outcome: Outcome
) -> None:
    draws = random.Random(asked.seed + 1)
    every_s = asked.count / asked.rate / (asked.broker_kills + 1)
    while outcome.broker_kills < asked.broker_kills and not over.wait(every_s):
        broker.kill()
        time.sleep(draws.uniform(0.0, _LONGEST_AWAY_S))
        broker.start()
        outcome.broker_kills += 1


def _compare(store: str, receiver: Subscriber, outcome: Outcome) -> None:
    expected = _expected(store)
    outcome.messages, end = len(expected), time.monotonic() + _LONGEST_S
    while time.monotonic() < end:
        told = [json.loads(body) for _, body, kept in list(receiver.received) if not kept]
        first = list(dict.fromkeys(int(one["SequenceNumber"]) for one in told))
        if len(first) >= len(expected):
            break
        time.sleep(0.2)
    outcome.received = len(told)
    if missing := set(expected) - set(first):
        outcome.mistakes.append(f"{len(missing)} messages are lost, such as {min(missing)}")
    if strange := set(first) - set(expected):
        outcome.mistakes.append(f"{len(strange)} messages are of nothing in the store")
    if first != sorted(first):
        outcome.mistakes.append("some messages came for the first time behind later ones")


def _expected(store: str) -> list[int]:
    with (
        open_database(store_address(store), ChainKeyFile()) as database,
        database.reading() as connection,
    ):
        return [entry.id for entry in entries_after(connection, 0, 1_000_000)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="URL of a store that does not exist yet")
    parser.add_argument("--count", type=int, default=1000, help="parts that come")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--broker-kills", type=int, default=10)
    parser.add_argument("--rate", type=float, default=20.0, help="parts a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
