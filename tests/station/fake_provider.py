"""A small OpenID Connect provider on this machine, for tests: it vouches for whom it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = {"client_id": "station", "client_secret": "a secret of the test"}


class FakeProvider:
    """What the provider knows.

    Attributes:
        identity: Whom it vouches for next; None refuses.
        asked: The queries of all visits to its sign-in page.
    """

    def __init__(self, port: int) -> None:
        self.identity: dict[str, Any] | None = None
        self.asked: list[dict[str, str]] = []
        self.issuer = f"http://127.0.0.1:{port}"
        self._key = RSAKey.generate_key(2048, parameters={"kid": "test"}, private=True)
        self._of_code: dict[str, dict[str, Any]] = {}

    @property
    def metadata_url(self) -> str:
        """Its discovery document."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def document(self, path: str) -> dict[str, Any] | None:
        """What a path holds."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/keys":
            return {"keys": [self._key.as_dict(private=False)]}
        return None

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next."""
        self.asked.append(query)
        if self.identity is None:
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = f"code-{len(self._of_code)}"
            self._of_code[code] = {**self.identity, "nonce": query["nonce"]}
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """What a code is worth, once."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT["client_id"], "iat": now, "exp": now + 300}
        claims |= self._of_code.pop(form["code"])
        signed = jwt.encode({"alg": "RS256", "kid": "test"}, claims, self._key)
        return {"access_token": "none", "token_type": "Bearer", "id_token": signed}


@contextmanager
def fake_provider(port: int) -> Iterator[FakeProvider]:
    """A provider that answers until the end."""
    provider = FakeProvider(port)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
                return
            self._answer(provider.document(parts.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(provider.token({k: v[0] for k, v in parse_qs(body).items()}))

        def _answer(self, content: dict[str, Any] | None) -> None:
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
