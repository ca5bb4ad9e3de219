"""The secret that seals decisions: a file outside the database, made when it is first needed."""

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from span_train.contract.errors import StoreError

KEY_VARIABLE = "INSPECT_CHAIN_KEY"
KEY_BYTES = 32


@dataclass(frozen=True)
class ChainKey:
    """A key, and the name by which a store remembers which key seals it."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Tells keys apart and says nothing about the secret."""
        return self.sign(b"the name of this key")[:16]

    def sign(self, content: bytes) -> str:
        """HMAC-SHA256 over some bytes, as hexadecimal text."""
        return hmac.new(self.secret, content, hashlib.sha256).hexdigest()


class ChainKeyFile:
    """Where the key lies: as given, else INSPECT_CHAIN_KEY, else in the user's configuration."""

    def __init__(self, path: Path | None = None) -> None:
        """Choose the place; nothing is read or made yet."""
        named = os.environ.get(KEY_VARIABLE)
        self.path = path or (Path(named) if named else _default_path())

    def load(self) -> ChainKey:
        """Read the key.

        Raises:
            StoreError: It is missing or damaged, or everybody can read it.
        """
        try:
            mode = self.path.stat().st_mode
            text = self.path.read_text(encoding="ascii")
            secret = bytes.fromhex(text.strip())
        except FileNotFoundError:
            raise StoreError(
                f"{self.path}: the key that seals decisions is missing; copy it from where this "
                f"store's first decision was made, or name it with --chain-key or {KEY_VARIABLE}."
            ) from None
        except (OSError, ValueError) as problem:
            raise StoreError(f"{self.path}: is no key that can be read ({problem}).") from None
        if len(secret) != KEY_BYTES:
            raise StoreError(f"{self.path}: holds {len(secret)} bytes, expected {KEY_BYTES}.")
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            raise StoreError(
                f"{self.path}: other users can read or change this key; run chmod 600 on it."
            )
        return ChainKey(secret)

    def load_or_make(self) -> ChainKey:
        """Read the key; make it, for this user alone, where there is none.

        Raises:
            StoreError: As `load`, or the place refuses writing.
        """
        if not self.path.exists():
            self._make()
        return self.load()

    def _make(self) -> None:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first: its key is the key
                os.link(draft, self.path)
            draft.unlink()
        except OSError as problem:
            raise StoreError(
                f"{self.path}: the key that seals decisions cannot be made ({problem}); name a "
                f"place with --chain-key or {KEY_VARIABLE}."
            ) from problem


def _default_path() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "inspect-span" / "chain.key"
