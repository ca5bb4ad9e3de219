"""Run the HTTP server until Ctrl-C or SIGTERM, and answer what was accepted before it ends."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from span_train.contract.errors import InputError

STOP_TIMEOUT_S = 30
_MOST_CONNECTIONS = 1024


def serve(app: FastAPI, host: str, port: int, ready: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that were accepted by then are answered.

    Args:
        port: 0 takes a free one.
        ready: Called with the address once requests are answered.

    Raises:
        InputError: The address cannot be used, such as a port that is taken.
    """
    with _listening(host, port) as listener, _interrupted_by_sigterm():
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            http="h11", ws="none", lifespan="off", limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
        )  # fmt: skip
        server = _TellingServer(config, lambda: ready(_address(listener)))
        with suppress(KeyboardInterrupt):  # uvicorn ends first, then raises the signal again
            server.run(sockets=[listener])


class _TellingServer(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as problem:
        raise InputError(
            f"{host} port {port} cannot be used ({problem}); stop what runs there, or choose "
            "another with --host and --port."
        ) from None
    with listener:
        # Accepted connections inherit it. asyncio sets it only on sockets that name their protocol;
        # without it an answer of two packets waits some 40 ms for the sender's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
