"""A real MQTT broker for tests: Debian's mosquitto on a free port of this machine."""

import getpass
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

LONGEST_S = 20.0


def program() -> str | None:
    """The broker; None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


class Broker:
    """A broker that can be killed and started again; what it acknowledged it still has then."""

    def __init__(self, place: Path, *settings: str) -> None:
        self.port = free_port()
        self._settings, self._log = place / "mosquitto.conf", place / "log.txt"
        self._process: subprocess.Popen[bytes] | None = None
        kept = place / "kept"
        kept.mkdir()
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"user {getpass.getuser()}",
            "max_inflight_messages 0",
            "persistence true",
            f"persistence_location {kept}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            *(settings or ("allow_anonymous true",)),
        ]
        self._settings.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start, and come back when it listens."""
        found = program()
        assert found is not None, "tests ask first"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [found, "-c", str(self._settings)], stdout=log, stderr=log
            )
        end = time.monotonic() + LONGEST_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.02)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(LONGEST_S)
        self._process = None


class Subscriber:
    """A receiver whose session the broker remembers while it is away."""

    def __init__(self, port: int, topic: str) -> None:
        self.received: list[tuple[str, bytes, bool]] = []
        self.topic, self.subscribed = topic, False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "mes", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = self._note
        self._client.on_message = self._receive
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, *_: Any) -> None:
        self._client.subscribe(self.topic, qos=1)

    def _note(self, *_: Any) -> None:
        self.subscribed = True

    def _receive(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.received.append((message.topic, message.payload, message.retain))


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
