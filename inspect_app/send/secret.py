"""Secrets for a destination: from a file or the environment, never from a command line."""

import base64
import binascii
import os
import stat
from pathlib import Path

from span_train.contract.errors import SettingsError

PASSWORD_VARIABLE = "INSPECT_MQTT_PASSWORD"
SECRET_VARIABLE = "INSPECT_WEBHOOK_SECRET"
LEAST_SECRET_BYTES = 24  # what Standard Webhooks asks for


def read_secret(file: Path | None, variable: str) -> str | None:
    """The text of a file, else of a variable; None where there is neither.

    Raises:
        SettingsError: The file cannot be read, is empty, or everybody can read it.
    """
    if file is None:
        return os.environ.get(variable) or None
    try:
        with file.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{file}: cannot be read as a secret ({problem}).") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        raise SettingsError(
            f"{file}: other users can read or change this secret; run chmod 600 on it."
        )
    if not text:
        raise SettingsError(f"{file}: is empty; expected one line with the secret.")
    return text


def signing_key(text: str | None) -> bytes:
    """The key that signs a webhook's messages: `whsec_` and base64, or any long text.

    Raises:
        SettingsError: There is none, or it is too short to keep anybody out.
    """
    if text is None:
        raise SettingsError(
            "a webhook's messages are signed, and no secret is given; name a file with "
            f"--secret-file, or set {SECRET_VARIABLE}."
        )
    key = text.encode()
    if text.startswith("whsec_"):
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise SettingsError("the webhook's secret: no base64 behind whsec_.") from None
    if len(key) < LEAST_SECRET_BYTES:
        raise SettingsError(
            f"the webhook's secret has {len(key)} bytes, expected {LEAST_SECRET_BYTES} or more; "
            "make one with: openssl rand -base64 32"
        )
    return key
