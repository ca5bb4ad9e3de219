"""A real broker: everything arrives, in order, whatever happens to the broker meanwhile."""

import base64
import hashlib
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from inspect_app.send.destination import NotDelivered
from inspect_app.send.encryption import tls_context
from inspect_app.send.mqtt import MqttBroker
from inspect_app.send.place import read_place
from tests.send.certificates import Authority
from tests.send.conftest import Plant, first_of_each, message
from tests.send.mosquitto import Broker, Subscriber, free_port
from tests.watch.conftest import wait_until

BOTH = [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311]


def destination(port: int, user: str = "", **how: object) -> MqttBroker:
    """The broker on a port of this machine."""
    place = read_place(f"mqtt://{user}127.0.0.1:{port}/line/3")
    return MqttBroker(place, "sender", **how)  # type: ignore[arg-type]


def test_results_decisions_and_anchors_have_their_topics(
    small_plant: Plant, broker: Broker, subscriber: Subscriber
) -> None:
    small_plant.arrive()
    small_plant.decide(1)
    assert small_plant.once(destination(broker.port)) is None
    wait_until(lambda: len(subscriber.received) == 3)
    topics = [topic for topic, _, _ in subscriber.received]
    assert topics == ["line/3/result", "line/3/decision", "line/3/anchor"]


def test_who_comes_later_still_gets_the_last_anchor(small_plant: Plant, broker: Broker) -> None:
    small_plant.arrive()
    small_plant.decide(1)
    small_plant.decide(1, "pass")
    assert small_plant.once(destination(broker.port)) is None
    late = Subscriber(broker.port, "line/3/#")
    wait_until(lambda: bool(late.received))
    late.close()
    ((topic, body, retained),) = late.received
    assert (topic, retained) == ("line/3/anchor", True)
    assert json.loads(body)["anchor"]["count"] == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_broker_that_is_killed_in_the_middle_loses_nothing(
    plant: Plant, broker: Broker, subscriber: Subscriber, how: signal.Signals
) -> None:
    with plant.told(destination(broker.port, acknowledge_s=5.0)):
        plant.arrive(10)
        wait_until(lambda: len(subscriber.received) >= 5)
        broker.kill(how)
        plant.arrive(10)
        wait_until(lambda: plant.known().trouble is not None)
        assert plant.known().waiting >= 10
        broker.start()
        plant.arrive(10)
        wait_until(lambda: plant.known().waiting == 0, 60)
    expected = plant.keys()
    wait_until(lambda: len(first_of_each([one[1] for one in subscriber.received])) == 30, 30)
    told = first_of_each([one[1] for one in subscriber.received])
    assert [one["ResultContent"][0]["source"] for one in told] == expected
    assert plant.known().trouble is None
    assert plant.said[-1] == "plant takes messages again."
    assert any("cannot be reached" in said or "was lost" in said for said in plant.said)


@pytest.mark.parametrize("version", BOTH)
def test_messages_come_in_order_whatever_the_version(
    broker: Broker, subscriber: Subscriber, version: MQTTProtocolVersion
) -> None:
    sent = [message(number) for number in range(200)]
    assert list(destination(broker.port, version=version).deliver(sent)) == sent
    wait_until(lambda: len(subscriber.received) == 200)
    assert [body for _, body, _ in subscriber.received] == [one.body for one in sent]


def test_an_idle_connection_that_was_lost_is_made_again(broker: Broker) -> None:
    sends = destination(broker.port)
    assert list(sends.deliver([message(1)])) == [message(1)]
    broker.kill()
    broker.start()
    end = time.monotonic() + 10
    while True:  # it may take a moment until the loss is noticed
        try:
            assert list(sends.deliver([message(2)])) == [message(2)]
            break
        except NotDelivered:
            assert time.monotonic() < end
    sends.close()


def test_no_broker_at_all_is_said(small_plant: Plant) -> None:
    small_plant.arrive()
    port = free_port()
    trouble = small_plant.once(destination(port))
    assert trouble is not None
    assert trouble.startswith(f"mqtt://127.0.0.1:{port}/line/3: cannot be reached (")
    assert (small_plant.known().waiting, small_plant.known().sent_at) == (1, None)


@pytest.mark.parametrize("version", BOTH)
def test_a_wrong_password_is_refused_and_said(
    broker_at: Callable[..., Broker], tmp_path: Path, version: MQTTProtocolVersion
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text(f"line3:{hashed('secret')}\n")
    passwords.chmod(0o600)
    port = broker_at("allow_anonymous false", f"password_file {passwords}").port
    right = destination(port, "line3@", password="secret", version=version)
    assert list(right.deliver([message()])) == [message()]
    right.close()
    for wrong in ("another", None):
        refused = destination(port, "line3@", password=wrong, version=version)
        with pytest.raises(NotDelivered, match="refuses the connection"):
            list(refused.deliver([message()]))


def test_a_topic_that_may_not_be_written_is_said(
    broker_at: Callable[..., Broker], tmp_path: Path
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read line/#\n")
    rights.chmod(0o600)
    refused = destination(broker_at("allow_anonymous true", f"acl_file {rights}").port)
    with pytest.raises(NotDelivered, match="give the user the right to write to this topic"):
        list(refused.deliver([message()]))


def test_tls_checks_the_broker_and_shows_our_certificate(
    broker_at: Callable[..., Broker], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.vouch("broker", "127.0.0.1")
    ours = authority.vouch("line3")
    port = broker_at(
        f"cafile {authority.file}",
        f"certfile {certificate}",
        f"keyfile {key}",
        "require_certificate true",
        "allow_anonymous true",
    ).port
    place = read_place(f"mqtts://127.0.0.1:{port}/line/3")
    right = MqttBroker(place, "sender", tls=tls_context(authority.file, *ours))
    assert list(right.deliver([message()])) == [message()]
    right.close()
    unknown = MqttBroker(place, "sender", tls=tls_context(authority.file, None, None))
    with pytest.raises(NotDelivered):
        list(unknown.deliver([message()]))
    strange = MqttBroker(place, "sender", tls=tls_context(None, *ours))
    with pytest.raises(NotDelivered, match="certificate verify failed"):
        list(strange.deliver([message()]))


def hashed(password: str) -> str:
    """A password as mosquitto_passwd keeps it."""
    salt = b"0123456789ab"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
