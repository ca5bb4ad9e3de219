"""Publish to an MQTT broker with quality of service 1: sent again until the broker has it."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from inspect_app.send.destination import NotDelivered
from inspect_app.send.message import Message
from inspect_app.send.place import Place
from inspect_app.store.outbox import Kind

TOPICS: dict[Kind, str] = {"inspection": "result", "decision": "decision", "anchor": "anchor"}
_CONNECT_S, _ACKNOWLEDGE_S, _KEEP_ALIVE_S = 10.0, 20.0, 30


class MqttBroker:
    """A broker. The last anchor is retained there, so that whoever comes later has it too.

    A connection is never mended: where it fails, the next delivery makes a new one and sends all
    that was not acknowledged, in order.
    """

    def __init__(
        self,
        place: Place,
        client_id: str,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
        acknowledge_s: float = _ACKNOWLEDGE_S,
    ) -> None:
        """Nothing is connected yet.

        Args:
            client_id: The same for the same store and destination: a broker drops an older
                connection of the same name.
            acknowledge_s: How long the broker may take to have a batch.
        """
        self._place, self._client_id, self._password, self._tls = place, client_id, password, tls
        self._version, self._acknowledge_s = version, acknowledge_s
        self._connection: _Connection | None = None

    def deliver(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Publish messages in their order; give each that the broker has acknowledged."""
        try:
            connection = self._connected()
            end_s = time.monotonic() + self._acknowledge_s
            numbers = [connection.publish(self._topic(one), one) for one in messages]
            for message, number in zip(messages, numbers, strict=True):
                connection.await_acknowledged(number, end_s)
                yield message
        except NotDelivered:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> "_Connection":
        if self._connection is None or self._connection.is_lost:
            self.close()
            client = paho.Client(
                CallbackAPIVersion.VERSION2,
                self._client_id,
                protocol=self._version,
                reconnect_on_failure=False,
            )
            if self._place.user is not None:
                client.username_pw_set(self._place.user, self._password)
            if self._tls is not None:
                client.tls_set_context(self._tls)
            self._connection = _Connection(client, self._place)
        return self._connection

    def _topic(self, message: Message) -> str:
        return f"{self._place.path}/{TOPICS[message.kind]}"


class _Connection:
    """One connection, from its beginning to its first failure."""

    def __init__(self, client: paho.Client, place: Place) -> None:
        """Connect, and wait until the broker agrees.

        Raises:
            NotDelivered: It is not there, or does not agree.
        """
        self._client, self._place = client, place
        self._changed = threading.Condition()
        self._answers: dict[int, ReasonCode] = {}
        self._agreed, self._lost = False, ""
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_publish = self._on_publish
        client.connect_timeout = _CONNECT_S
        try:
            client.connect(place.host, place.port, _KEEP_ALIVE_S)
        except (OSError, ValueError) as problem:
            raise NotDelivered(f"{place}: cannot be reached ({problem}).") from None
        client.loop_start()
        try:
            self._wait(lambda: self._agreed, time.monotonic() + _CONNECT_S, "agreed to connect")
        except NotDelivered:
            self.close()
            raise

    @property
    def is_lost(self) -> bool:
        """Whether it has ended meanwhile."""
        return bool(self._lost)

    def publish(self, topic: str, message: Message) -> int:
        """Hand a message over; give the number by which it is acknowledged."""
        retain = message.kind == "anchor"
        return self._client.publish(topic, message.body, qos=1, retain=retain).mid

    def await_acknowledged(self, number: int, end_s: float) -> None:
        """Wait until the broker has a message.

        Raises:
            NotDelivered: It has not, or does not want it.
        """
        self._wait(lambda: number in self._answers, end_s, "acknowledged a message")
        answer = self._answers.pop(number)
        if answer.is_failure:
            raise NotDelivered(
                f"{self._place}: the broker refuses to publish there ({answer}); give the user "
                "the right to write to this topic."
            )

    def close(self) -> None:
        """End it."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, came: Callable[[], bool], end_s: float, what: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: came() or self._lost, end_s - time.monotonic())
            if came():
                return
        raise NotDelivered(self._lost or f"{self._place}: the broker has not {what} in time.")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        with self._changed:
            if code.is_failure:
                self._lost = (
                    f"{self._place}: the broker refuses the connection ({code}); check user and "
                    "password, and --mqtt-version."
                )
            else:
                self._agreed = True
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        with self._changed:
            self._lost = self._lost or f"{self._place}: the connection was lost ({code})."
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, number: int, code: Any, _more: Any) -> None:
        with self._changed:
            self._answers[number] = code
            self._changed.notify_all()
