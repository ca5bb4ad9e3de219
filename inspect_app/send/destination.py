"""Where messages go: an MQTT broker or a webhook, as its address and its secrets say."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from inspect_app.send.message import Message


class NotDelivered(Exception):
    """A destination did not take a message: it is down, refuses, or did not answer in time."""


class Destination(Protocol):
    """What takes messages."""

    def deliver(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Send messages in their order; give each that was certainly taken.

        Raises:
            NotDelivered: The next one was not, or perhaps not.
        """

    def close(self) -> None:
        """Let go of the connection."""
