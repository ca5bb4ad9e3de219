"""A receiver that fails, hangs and comes back; signatures that hold; no redirect is taken."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inspect_app.send.destination import NotDelivered
from inspect_app.send.encryption import tls_context
from inspect_app.send.message import Message
from inspect_app.send.place import read_place
from inspect_app.send.webhook import Webhook, signed_headers
from tests.send.certificates import Authority
from tests.send.conftest import Plant, first_of_each, message
from tests.send.mosquitto import free_port
from tests.watch.conftest import wait_until

KEY = b"k" * 32
ANSWER_S = 0.5


class Receiver(ThreadingHTTPServer):
    """A webhook that answers as it is told: a status, `hang`, or `hang up`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Answers)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.port = int(self.server_address[1])
        self.answer: int | str = 200
        self.closes_idle = False
        self.headers: dict[str, str] = {}
        self.received: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def taken(self) -> list[bytes]:
        """The bodies that were answered with 2xx."""
        return [body for _, body in self.received]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer
        if answer == "hang":
            time.sleep(3 * ANSWER_S)
        if isinstance(answer, str):
            self.close_connection = True
            return
        if answer < 300:
            self.server.received.append((dict(self.headers.items()), body))
        self.send_response(answer)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        said = b"the stock is <b>closed</b>\x1b[2J" if answer >= 400 else b""
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        self.close_connection = self.close_connection or self.server.closes_idle

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything, until it is told otherwise."""
    receiver = Receiver()
    yield receiver
    receiver.close()


def webhook(port: int, **how: object) -> Webhook:
    """The receiver on a port of this machine."""
    place = read_place(f"http://127.0.0.1:{port}/in?line=3")
    return Webhook(place, KEY, answer_s=ANSWER_S, **how)  # type: ignore[arg-type]


def deliver(hook: Webhook, *messages: Message) -> list[Message]:
    """Send messages and hang up; give those that were taken."""
    with closing(hook):
        return list(hook.deliver(messages))


def test_messages_are_signed_as_standard_webhooks_says(receiver: Receiver) -> None:
    sent = [message(1), message(2)]
    assert deliver(webhook(receiver.port, clock=lambda: 1_900_000_000.7), *sent) == sent
    for one, (headers, body) in zip(sent, receiver.received, strict=True):
        assert body == one.body
        assert headers["Content-Type"] == "application/json"
        assert headers["webhook-id"] == one.id
        assert headers["webhook-timestamp"] == "1900000000"
        content = f"{one.id}.1900000000.".encode() + body
        digest = hmac.new(KEY, content, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_the_signature_is_that_of_the_specification() -> None:
    """The example that the specification and its libraries test themselves with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    one = Message("msg_p5jXN8AQM9LWM0D4loKWxJek", "inspection", b'{"test": 2432232314}')
    headers = signed_headers(one, key, 1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_fails_hangs_and_recovers_misses_nothing(
    plant: Plant, receiver: Receiver
) -> None:
    with plant.told(webhook(receiver.port)):
        plant.arrive(3)
        wait_until(lambda: len(receiver.received) == 3)
        for answer, said in (
            (500, "answers 500"),
            ("hang", "timed out"),
            ("up", "does not answer"),
        ):
            receiver.answer = answer
            plant.arrive(2)
            wait_until(lambda said=said: said in (plant.known().trouble or ""))
        receiver.answer = 204
        plant.decide(1)
        wait_until(lambda: plant.known().waiting == 0)
    told = first_of_each(receiver.taken())
    results = [one["ResultContent"][0]["source"] for one in told if one["kind"] == "inspection"]
    assert results == plant.keys()
    assert [one["kind"] for one in told[-2:]] == ["decision", "anchor"]
    assert len(told) == len(receiver.received), "nothing was sent twice that was answered"


def test_a_receiver_that_was_not_there_gets_all_when_it_comes(small_plant: Plant) -> None:
    port = free_port()
    with small_plant.told(webhook(port)):
        small_plant.arrive(4)
        wait_until(lambda: small_plant.known().trouble is not None)
        receiver = Receiver(port)
        wait_until(lambda: small_plant.known().waiting == 0)
        receiver.close()
    assert len(receiver.received) == 4


def test_what_a_receiver_refuses_is_told_in_one_plain_line(receiver: Receiver) -> None:
    receiver.answer = 422
    with pytest.raises(NotDelivered) as refused:
        deliver(webhook(receiver.port), message())
    place = f"http://127.0.0.1:{receiver.port}/in?line=3"
    assert str(refused.value) == (
        f"{place}: answers 422 Unprocessable Entity, expected 2xx (the stock is <b>closed</b>?[2J)."
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    elsewhere = Receiver()
    receiver.answer = status
    receiver.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/steal"}
    with pytest.raises(NotDelivered, match=r"a redirect to http://.*/steal; none is followed"):
        deliver(webhook(receiver.port), message())
    elsewhere.close()
    assert elsewhere.received == []


def test_a_connection_that_was_closed_while_idle_is_no_trouble(receiver: Receiver) -> None:
    hook = webhook(receiver.port)
    list(hook.deliver([message(1)]))
    receiver.closes_idle = True
    list(hook.deliver([message(2)]))
    time.sleep(0.1)
    deliver(hook, message(3))
    assert [json.loads(body)["number"] for body in receiver.taken()] == [1, 2, 3]


def test_an_answer_without_end_is_not_read(receiver: Receiver) -> None:
    receiver.headers = {"X-Long": "a" * 70_000}
    with pytest.raises(NotDelivered, match="does not answer"):
        deliver(webhook(receiver.port), message())


def test_https_checks_the_receiver(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.vouch("mes", "127.0.0.1"))
    receiver = Receiver(tls=context)
    place = read_place(f"https://127.0.0.1:{receiver.port}/in")
    trusting: Callable[[Path | None], Webhook] = lambda ca: Webhook(  # noqa: E731
        place, KEY, tls_context(ca, None, None), answer_s=5.0
    )
    assert deliver(trusting(authority.file), message()) == [message()]
    with pytest.raises(NotDelivered, match="certificate verify failed"):
        deliver(trusting(None), message())
    receiver.close()
    assert len(receiver.received) == 1
