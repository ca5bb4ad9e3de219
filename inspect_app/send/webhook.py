"""Post each message to a webhook, signed as Standard Webhooks says, and follow no redirect."""

import base64
import hashlib
import hmac
import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Sequence

from inspect_app.send.destination import NotDelivered
from inspect_app.send.message import Message
from inspect_app.send.place import Place

_ANSWER_S = 10.0
_LONGEST_ANSWER_BYTES = 65_536
_SHOWN_CHARACTERS = 200
_GONE_MEANWHILE = (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected)


class Webhook:
    """A receiver that takes one message a request, and says with 2xx that it has it."""

    def __init__(
        self,
        place: Place,
        key: bytes,
        tls: ssl.SSLContext | None = None,
        answer_s: float = _ANSWER_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is connected yet.

        Args:
            key: Signs each message.
            answer_s: How long the receiver may be silent.
        """
        self._place, self._key, self._clock = place, key, clock
        self._connection = http.client.HTTPConnection(place.host, place.port, timeout=answer_s)
        if place.is_encrypted:
            self._connection = http.client.HTTPSConnection(
                place.host, place.port, timeout=answer_s, context=tls
            )

    def deliver(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Post messages in their order; give each that the receiver has taken."""
        for message in messages:
            try:
                self._post(message)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                said = str(problem) or type(problem).__name__
                raise NotDelivered(f"{self._place}: does not answer ({said}).") from None
            except NotDelivered:
                self.close()
                raise
            yield message

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _post(self, message: Message) -> None:
        was_open = self._connection.sock is not None
        try:
            answer = self._answer(message)
        except _GONE_MEANWHILE:
            self.close()
            if not was_open:
                raise
            answer = self._answer(message)  # an idle connection had been closed over there
        body = answer.read(_LONGEST_ANSWER_BYTES)
        if not answer.isclosed():
            self.close()
        if not 200 <= answer.status < 300:
            raise NotDelivered(self._refusal(answer, body))

    def _answer(self, message: Message) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", "User-Agent": "inspect-span"}
        headers |= signed_headers(message, self._key, int(self._clock()))
        self._connection.request("POST", self._place.path, message.body, headers)
        return self._connection.getresponse()

    def _refusal(self, answer: http.client.HTTPResponse, body: bytes) -> str:
        told = f"{self._place}: answers {answer.status}"
        if answer.status in (301, 302, 303, 307, 308):
            led_to = _plain(answer.headers.get("Location", ""))
            return f"{told}, a redirect to {led_to}; none is followed, give the address itself."
        said = _plain(body.decode("utf-8", "replace"))
        return f"{told} {_plain(answer.reason)}, expected 2xx{f' ({said})' if said else ''}."


def signed_headers(message: Message, key: bytes, now_s: int) -> dict[str, str]:
    """The headers by which a receiver knows who sent a message, when, and which one it is."""
    content = f"{message.id}.{now_s}.".encode() + message.body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
    }


def _plain(text: str) -> str:
    """Whatever a stranger answers, as one line for people."""
    one_line = " ".join(text.split())[:_SHOWN_CHARACTERS]
    return "".join(character if character.isprintable() else "?" for character in one_line)
