"""`inspect serve` as a process of its own: started, asked, stopped in the middle of a request."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Inspect = Callable[..., tuple[int, str, str]]
TOKEN = "a-token-of-the-tests"


@contextmanager
def served(*arguments: object, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that answers, and its port; killed at the end where it still runs."""
    code = "from inspect_app.cli.main import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", "0", *map(str, arguments)],
        env={k: v for k, v in os.environ.items() if not k.startswith("INSPECT_")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("Serving pump-v4 ("), server.communicate(timeout=20)
        yield server, int(line.split("  ")[0].rpartition(":")[2])
    finally:
        server.kill()
        server.communicate()


def post(port: int, content: bytes, query: str = "", token: str = "") -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("POST", f"/inspect{query}", content, headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def test_sigterm_ends_it_after_what_was_accepted_is_answered_and_stored(
    bundle_folder: Path, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    content = write_part(tmp_path / "part.png", 2, defect=True).read_bytes()
    store = tmp_path / "line.db"
    options = ("--bundle", bundle_folder, "--store", f"sqlite:///{store}", "--provider", "cpu")
    with served(*options) as (server, port):
        assert post(port, content, "?source=cell-3&name=a.png")[1]["verdict"] == "fail"
        assert post(port, content, "?source=cell-3&name=a.png")[0] == 200  # stored once
        assert post(port, b"no image", "?source=cell-3&name=b.png")[0] == 422
        under_way = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        under_way.putrequest("POST", "/inspect?source=cell-3&name=c.png")
        under_way.putheader("Content-Length", str(len(content)))
        under_way.endheaders(content[:100])
        wait_until(lambda: works_on_one(port))
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: takes_no_connection(port))
        under_way.send(content[100:])
        assert under_way.getresponse().read().startswith(b'{"verdict":"fail"')
        under_way.close()
        out, err = server.communicate(timeout=20)
        assert (server.returncode, out, err) == (0, "", "")
    with sqlite3.connect(store) as rows:
        found = rows.execute("SELECT source, status, verdict FROM inspections ORDER BY id")
        assert found.fetchall() == [
            ("http:cell-3/a.png", "ok", "fail"),
            ("http:cell-3/b.png", "unreadable", None),
            ("http:cell-3/c.png", "ok", "fail"),
        ]
    rows.close()


def wait_until(what: Callable[[], bool]) -> None:
    """Look again and again; at most 20 s."""
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def works_on_one(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as response:
        return bool(json.load(response)["accepted"] == 1)


def takes_no_connection(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def test_a_token_opens_it_to_other_machines_and_asks_each_sender(
    bundle_folder: Path, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    content = write_part(tmp_path / "part.png").read_bytes()
    options = ("--bundle", bundle_folder, "--host", "0.0.0.0", "--max-mb", "1")
    with served(*options, INSPECT_TOKEN=TOKEN) as (server, port):
        assert post(port, content)[0] == 401
        assert post(port, content, token=TOKEN)[0] == 200
        assert post(port, b"x" * (3 << 20), token=TOKEN)[0] == 413
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


def test_without_a_token_it_does_not_listen_to_other_machines(
    run_inspect: Inspect, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INSPECT_TOKEN", raising=False)
    code, out, err = run_inspect("serve", "--bundle", bundle_folder, "--host", "0.0.0.0")
    assert (code, out) == (3, "")
    assert err.startswith("inspect: --host 0.0.0.0: other machines could send images")
    assert err.count("\n") == 1


def test_a_weak_token_is_refused(run_inspect: Inspect, bundle_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1234\n")
    code, _, err = run_inspect(
        "serve", "--bundle", bundle_folder, "--token-file", tmp_path / "token"
    )
    assert code == 3
    assert "token: a token is one line of at least 16" in err


def test_a_port_that_is_taken_is_said(run_inspect: Inspect, bundle_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run_inspect(
            "serve", "--bundle", bundle_folder, "--provider", "cpu", "--port", port
        )
    assert (code, out) == (3, "")
    assert f"127.0.0.1 port {port} cannot be used" in err


def test_an_address_that_is_none_is_said(
    run_inspect: Inspect, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_TOKEN", TOKEN)
    code, _, err = run_inspect(
        "serve", "--bundle", bundle_folder, "--provider", "cpu", "--host", "no such host"
    )
    assert code == 3
    assert "no such host port 8000 cannot be used" in err
