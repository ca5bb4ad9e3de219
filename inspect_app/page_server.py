"""Serve a web page of this program on this machine only, and stop it cleanly."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from span_train.contract.errors import InputError

ADDRESS = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
_LOOK_S = 0.2
# Nothing is sent out, nothing is offered that an operator could break.
_OPTIONS = {
    "server.address": ADDRESS,
    "server.allowedHosts": ADDRESS,
    "server.headless": "true",
    "server.showEmailPrompt": "false",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "client.showErrorLinks": "false",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "warning",
}


@dataclass(frozen=True)
class WebPage:
    """A Streamlit script that is served as a page.

    Attributes:
        what: What it is, for messages: `the station`.
        script: The file that Streamlit runs; under another name than `__main__` it only imports.
        theme: Its colours, by Streamlit's names.
        environment: What it is told; not on the command line, which is seen by all.
        options: More of Streamlit's options.
    """

    what: str
    script: Path
    theme: Mapping[str, str]
    environment: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)


def serve_page(page: WebPage, port: int, ready: Callable[[str], object]) -> None:
    """Serve a page until Ctrl-C or SIGTERM.

    Args:
        ready: Called with the address once it is served.

    Raises:
        InputError: The port is taken.
    """
    with _interrupted_by_sigterm(), running_page(page, port) as (server, address):
        try:
            ready(address)
            # Not wait(): a signal that comes just before it blocks would not be seen until it ends.
            while server.poll() is None:
                time.sleep(_LOOK_S)
        except KeyboardInterrupt:
            return
    raise RuntimeError(f"{page.what}'s web server ended by itself with code {server.returncode}")


@contextmanager
def running_page(page: WebPage, port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that answers at the address given, stopped at the end.

    Raises:
        InputError: The port is taken.
    """
    _check_free(port)
    options = _OPTIONS | {"server.port": str(port)} | dict(page.options)
    options |= {f"theme.{name}": value for name, value in page.theme.items()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(
        [sys.executable, "-m", "inspect_app.served_page", str(page.script), *flags],
        env=os.environ | dict(page.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"http://{ADDRESS}:{port}"
        _wait_for(page.what, server, address)
        yield server, address
    finally:
        _stop(server)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as problem:
            raise InputError(
                f"port {port} on this machine cannot be used ({problem.strerror}); "
                "stop what runs there, or choose another with --port."
            ) from None


def _wait_for(what: str, server: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"{what}'s web server ended with code {server.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"{what}'s web server did not answer within {START_TIMEOUT_S:.0f} s")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
