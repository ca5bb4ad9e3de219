"""Read the address of a destination; secrets never stand in it."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from span_train.contract.errors import SettingsError

Scheme = Literal["mqtt", "mqtts", "http", "https"]
_PORTS: dict[str, int] = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}
_EXPECTED = "expected mqtts://[USER@]HOST[:PORT]/TOPIC or https://HOST[:PORT]/PATH"


@dataclass(frozen=True)
class Place:
    """An address, taken apart.

    Attributes:
        path: Of a broker the first levels of its topics; of a webhook what is asked for.
    """

    scheme: Scheme
    host: str
    port: int
    user: str | None
    path: str

    @property
    def is_mqtt(self) -> bool:
        """Whether it is a broker, and no webhook."""
        return self.scheme in ("mqtt", "mqtts")

    @property
    def is_encrypted(self) -> bool:
        """Whether the way there is TLS."""
        return self.scheme in ("mqtts", "https")

    def __str__(self) -> str:
        """As it was given, with the port that is used."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        slash = "/" if self.is_mqtt else ""
        return f"{self.scheme}://{user}{host}:{self.port}{slash}{self.path}"


def read_place(address: str) -> Place:
    """Take an address apart.

    Raises:
        SettingsError: It is none of a broker or a webhook, holds a password, or names no topic
            that messages can be published to.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as problem:
        raise SettingsError(f"the address of the destination: {problem}; {_EXPECTED}.") from None
    if parts.password is not None:
        raise SettingsError(
            "a password in an address can be seen by every user of this machine; put it into a "
            "file, --password-file FILE, or into INSPECT_MQTT_PASSWORD."
        )
    if parts.scheme not in _PORTS or not parts.hostname or "#" in address:
        raise SettingsError(f"{address}: {_EXPECTED}.")
    path = _topic(parts) if parts.scheme.startswith("mqtt") else _asked_for(parts)
    scheme: Scheme = parts.scheme  # type: ignore[assignment]  # looked up just above
    return Place(scheme, parts.hostname, port or _PORTS[scheme], parts.username or None, path)


def _topic(parts: SplitResult) -> str:
    topic = parts.path.strip("/")
    if parts.query or not topic or topic.startswith("$") or set(topic) & set("+\0"):
        raise SettingsError(
            f"{parts.geturl()}: names no topic to publish to; expected such as "
            f"{parts.scheme}://{parts.netloc}/plant/line3, without + and #."
        )
    return topic


def _asked_for(parts: SplitResult) -> str:
    if parts.username is not None:
        raise SettingsError(
            f"{parts.geturl()}: a webhook has no user; messages are signed instead: --secret-file."
        )
    path = parts.path or "/"
    if any(character <= " " or character > "~" for character in path + parts.query):
        raise SettingsError(f"{parts.geturl()}: percent-encode what is no plain letter.")
    return f"{path}?{parts.query}" if parts.query else path
