"""`inspect send` as a process of its own: killed, doubled, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.send.conftest import (
    Plant,
    any_url,
    broker,
    broker_at,
    first_of_each,
    handful,
    plant,
    postgres,
    postgres_url,
    scored,
    small_plant,
    subscriber,
    url,
)
from tests.send.mosquitto import Broker, Subscriber, free_port
from tests.watch.conftest import wait_until

__all__ = [
    "any_url",
    "broker",
    "broker_at",
    "handful",
    "plant",
    "postgres",
    "postgres_url",
    "scored",
    "small_plant",
    "subscriber",
    "url",
]

Inspect = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@contextmanager
def sending(plant: Plant, address: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """The real command; killed at the end of the block, if it still runs."""
    program = [sys.executable, "-c", "from inspect_app.cli.main import main; main()", "send"]
    process = subprocess.Popen(
        [*program, address, "--name", "plant", *options],
        env=os.environ | {"INSPECT_STORE_URL": plant.url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_sender_is_followed_by_the_one_that_stands_by(
    plant: Plant, broker: Broker, subscriber: Subscriber
) -> None:
    address = f"mqtt://127.0.0.1:{broker.port}/line/3"
    with sending(plant, address) as first, sending(plant, address) as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline().endswith("(Ctrl-C stops it)\n")
        plant.arrive(20)
        plant.decide(1)
        wait_until(lambda: plant.known().waiting == 0)
        first.kill()
        plant.arrive(20)
        wait_until(lambda: plant.known().waiting == 0)
        second.kill()
        plant.arrive(5)
        with sending(plant, address) as third:
            wait_until(lambda: plant.known().waiting == 0)
            third.send_signal(signal.SIGTERM)
            told, said = third.communicate(timeout=20)
            assert (third.returncode, said) == (0, "")
            assert told.endswith("Stopped: 5 messages sent.\n")
    wait_until(lambda: len(first_of_each([one[1] for one in subscriber.received])) == 47)
    kept = first_of_each([one[1] for one in subscriber.received])
    results = [one["ResultContent"][0]["source"] for one in kept if one["kind"] == "inspection"]
    assert results == plant.keys()


def test_anchors_that_a_broker_passed_on_show_that_decisions_are_gone(
    small_plant: Plant,
    broker: Broker,
    subscriber: Subscriber,
    tmp_path: Path,
    run_inspect: Inspect,
) -> None:
    small_plant.arrive(2)
    small_plant.decide(1)
    small_plant.decide(2)
    address, store = f"mqtt://127.0.0.1:{broker.port}/line/3", ("--store", small_plant.url)
    named = ("--name", "plant", "--once")
    code, out, err = run_inspect("send", address, *store, *named)
    assert (code, err) == (0, "")
    assert out.endswith("Stopped: 6 messages sent.\n")
    wait_until(lambda: len(subscriber.received) == 6)
    anchors = tmp_path / "anchors.jsonl"
    anchors.write_bytes(
        b"".join(body + b"\n" for topic, body, _ in subscriber.received if "anchor" in topic)
    )
    audit = ("audit", *store, "--anchors", anchors, "--json")
    assert json.loads(run_inspect(*audit)[1])["whole"]
    import sqlite3

    with sqlite3.connect(small_plant.url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TRIGGER decisions_refuse_delete")
        connection.execute("DELETE FROM decisions WHERE id = 2")
    connection.close()
    code, _, err = run_inspect(*audit)
    assert code == 4
    assert "counts 2 decisions, 1 are there" in err


def test_a_broker_that_is_not_there_is_an_error_with_once(
    small_plant: Plant, run_inspect: Inspect
) -> None:
    small_plant.arrive()
    address = f"mqtt://127.0.0.1:{free_port()}/line"
    code, _, err = run_inspect(
        "send", address, "--store", small_plant.url, "--from-start", "--once"
    )
    assert code == 3
    assert "cannot be reached" in err


def test_a_password_without_encryption_is_warned_about(
    small_plant: Plant, broker: Broker, tmp_path: Path, run_inspect: Inspect
) -> None:
    password = tmp_path / "password"
    password.write_text("geheim")
    password.chmod(0o600)
    address = f"mqtt://line3@127.0.0.1:{broker.port}/line/3"
    asked = ("--store", small_plant.url, "--password-file", password, "--once")
    code, out, err = run_inspect("send", address, *asked)
    assert code == 0
    assert "is not encrypted: the password can be read on the way" in err
    assert "geheim" not in out + err


@pytest.mark.parametrize(
    ("address", "options", "said"),
    [
        ("mqtt://broker", (), "names no topic"),
        ("mqtt://us:geheim@broker/line", (), "--password-file"),
        ("ftp://broker/line", (), "expected mqtts://"),
        ("https://mes/in", (), "no secret is given"),
        ("mqtts://broker/line", ("--ca-file", "missing.pem"), "missing.pem: no certificates"),
        ("mqtt://broker/line", ("--password-file", "missing"), "cannot be read as a secret"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    small_plant: Plant, run_inspect: Inspect, address: str, options: tuple[str, ...], said: str
) -> None:
    code, out, err = run_inspect("send", address, "--store", small_plant.url, *options)
    assert (code, out) == (3, "")
    assert said in err
    assert "geheim" not in err
