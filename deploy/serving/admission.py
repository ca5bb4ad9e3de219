"""Who may send images: programs on this machine or, from anywhere, whoever knows the token."""

import hmac
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from deploy.serving.problems import Refusal
from span_train.contract.errors import InputError

TOKEN_VARIABLE = "INSPECT_TOKEN"
SHORTEST_TOKEN = 16


def read_token(file: Path | None, from_environment: str | None) -> str | None:
    """The token to ask for: from a file where one is given, else from the environment.

    Raises:
        InputError: The file cannot be read, or what it holds is no good token.
    """
    if file is not None:
        try:
            return _checked(file.read_text(encoding="utf-8").strip(), str(file))
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"{file}: cannot be read as a token ({problem}).") from None
    return None if from_environment is None else _checked(from_environment, TOKEN_VARIABLE)


def check_host(host: str, token: str | None) -> None:
    """Refuse to listen to other machines without a token.

    Raises:
        InputError: The host is not this machine alone, and there is no token.
    """
    if token is None and not is_this_machine(host):
        raise InputError(
            f"--host {host}: other machines could send images, and there is no token; give one "
            f"with --token-file or {TOKEN_VARIABLE}, or stay on 127.0.0.1."
        )


def is_this_machine(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(token: str | None) -> Callable[..., None]:
    """What stands before every answer: a check of the token or, without one, of the sender.

    Without a token a web page that is open on this machine could send images as well, straight or
    under a name of its own that leads here: browsers say so in `Origin` and `Host`.
    """
    return _from_this_machine if token is None else _with_token(token)


def _with_token(token: str) -> Callable[..., None]:
    bearer = HTTPBearer(auto_error=False, description="The token the server was started with.")

    def check(
        given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> None:
        found = "" if given is None else given.credentials
        if not hmac.compare_digest(found.encode(), token.encode()):
            raise Refusal(
                401,
                "no token, or another one; send the header Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    return check


def _from_this_machine(request: Request) -> None:
    if not is_this_machine(request.url.hostname or ""):
        raise Refusal(
            403, f"sent to {request.url.hostname}, but this server answers to 127.0.0.1 only."
        )
    if "origin" in request.headers:
        raise Refusal(403, "sent by a web page; without a token only programs may send images.")


def _checked(token: str, where: str) -> str:
    plain = token.isascii() and token.isprintable() and " " not in token
    if not plain or len(token) < SHORTEST_TOKEN:
        raise InputError(
            f"{where}: a token is one line of at least {SHORTEST_TOKEN} ASCII characters without "
            "spaces; make one with: python3 -c 'import secrets; print(secrets.token_urlsafe())'."
        )
    return token
