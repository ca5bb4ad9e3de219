"""Secrets come from files and the environment, and weak or open ones are refused."""

import base64
import os
from pathlib import Path

import pytest

from inspect_app.send.encryption import tls_context
from inspect_app.send.secret import read_secret, signing_key
from span_train.contract.errors import SettingsError
from tests.send.certificates import Authority


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A secret that this user alone can read."""
    path = tmp_path / "secret"
    path.write_text("geheim\n")
    path.chmod(0o600)
    return path


def test_a_file_goes_before_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "other")
    assert read_secret(file, "SOME_SECRET") == "geheim"
    assert read_secret(None, "SOME_SECRET") == "other"
    monkeypatch.delenv("SOME_SECRET")
    assert read_secret(None, "SOME_SECRET") is None


def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(file, "SOME_SECRET")


def test_a_file_that_is_missing_or_empty_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match="missing: cannot be read"):
        read_secret(file.with_name("missing"), "SOME_SECRET")
    os.truncate(file, 0)
    with pytest.raises(SettingsError, match="is empty"):
        read_secret(file, "SOME_SECRET")


def test_a_signing_key_is_base64_or_a_long_text() -> None:
    key = bytes(range(24))
    assert signing_key("whsec_" + base64.b64encode(key).decode()) == key
    assert signing_key("a" * 24) == b"a" * 24


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "--secret-file"),
        ("short", "has 5 bytes, expected 24"),
        ("whsec_a!", "no base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "has 5 bytes"),
    ],
)
def test_a_signing_key_that_keeps_nobody_out_is_refused(text: str | None, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        signing_key(text)


def test_certificates_that_are_none_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.vouch("us")
    tls_context(authority.file, certificate, key)
    for files, named in (
        ((key, None, None), "us.key: no certificates"),
        ((tmp_path / "none", None, None), "none: no certificates"),
        ((None, certificate, None), "us.pem: no certificate in PEM with its key"),
    ):
        with pytest.raises(SettingsError, match=named):
            tls_context(*files)
