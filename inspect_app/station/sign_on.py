"""Single sign-on at the station (OpenID Connect): the file that names who vouches for operators."""

import json
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from inspect_app.page_server import ADDRESS
from span_train.contract.errors import InputError

CLAIM_VARIABLE = "INSPECT_SIGN_ON_CLAIM"
_NEEDED = ("client_id", "client_secret", "server_metadata_url")
_KNOWN = (*_NEEDED, "claim")
_EXAMPLE = "https://login.example.org/.well-known/openid-configuration"


@dataclass(frozen=True)
class SignOn:
    """Who vouches for operators.

    Attributes:
        client_id, client_secret: The station, as the provider knows it.
        server_metadata_url: The provider's OpenID Connect discovery document.
        claim: What of an identity is the operator's name at the station.
    """

    client_id: str
    client_secret: str
    server_metadata_url: str
    claim: str = "email"

    @contextmanager
    def as_secrets(self, port: int) -> Iterator[Path]:
        """A file for Streamlit, readable by this user alone, gone at the end.

        The key of its cookies is drawn anew: what a browser kept from an earlier start counts for
        nothing. Whoever signs in gives their password again: a station's panel is shared.
        """
        auth = {
            "redirect_uri": f"http://{ADDRESS}:{port}/oauth2callback",
            "cookie_secret": secrets.token_urlsafe(32),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "server_metadata_url": self.server_metadata_url,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in auth.items()]
        with TemporaryDirectory(prefix="inspect-") as folder:
            file = Path(folder) / "secrets.toml"
            file.touch(mode=0o600)
            text = "\n".join(["[auth]", *lines, "[auth.client_kwargs]", 'prompt = "login"', ""])
            file.write_text(text, encoding="utf-8")
            yield file


def read_sign_on(file: Path) -> SignOn:
    """Read the TOML file that names the provider.

    Raises:
        InputError: It cannot be read, a key is missing or unknown, the address is not safe, or the
            package that speaks OpenID Connect is not installed.
    """
    if find_spec("authlib") is None or find_spec("httpx") is None:
        raise InputError("--sign-on needs two more packages: pip install 'inspect-span[sign-on]'.")
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"{file}: cannot be read ({problem}); expected lines of TOML.") from None
    if unknown := sorted(set(found) - set(_KNOWN)):
        raise InputError(f"{file}: unknown key {unknown[0]}; known: {', '.join(_KNOWN)}.")
    for key in _NEEDED:
        if key not in found:
            raise InputError(f"{file}: {key} is missing; needed: {', '.join(_NEEDED)}.")
    for key, value in found.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{file}: {key}: expected text, found {value!r}.")
    address = urlsplit(found["server_metadata_url"])
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost"):
        raise InputError(
            f"{file}: server_metadata_url {found['server_metadata_url']}: expected an https "
            f"address, like {_EXAMPLE}."
        )
    return SignOn(**found)
