"""`inspect station`: it starts on this machine only, says where, and stops cleanly."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

STATION = [sys.executable, "-c", "from inspect_app.cli.main import main; main()", "station"]


def _run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if key != "INSPECT_STORE_URL"}
    command = [*STATION, "--no-browser", *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_stopped(
    store_url: str, free_port: int, stop: signal.Signals
) -> None:
    station = subprocess.Popen(
        [*STATION, "--no-browser", "--port", str(free_port)],
        env=os.environ | {"INSPECT_STORE_URL": store_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert station.stdout is not None
    said = station.stdout.readline()
    assert said == f"Station: http://127.0.0.1:{free_port}  (Ctrl-C stops it)\n"
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=10) as page:
        assert page.status == 200
    station.send_signal(stop)
    _, problems = station.communicate(timeout=30)
    assert station.returncode == 0
    assert "Traceback" not in problems
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0


def test_the_store_is_in_no_command_line(store_url: str, free_port: int) -> None:
    station = subprocess.Popen(
        [*STATION, "--no-browser", "--port", str(free_port)],
        env=os.environ | {"INSPECT_STORE_URL": store_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert station.stdout is not None
    station.stdout.readline()
    lines = [path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]
    served = [line for line in lines if str(free_port) in line]
    station.terminate()
    station.communicate(timeout=30)
    assert any("inspect_app.served_page" in line for line in served)
    assert not any("line.db" in line for line in served)


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_text())
    except OSError:
        return False


def test_a_missing_store_ends_it_before_it_serves(tmp_path: Path) -> None:
    done = _run("--store", tmp_path / "none.db")
    assert done.returncode == 3
    assert done.stderr.startswith(f"inspect: {tmp_path / 'none.db'}: no store is there;")
    assert list(tmp_path.iterdir()) == []


def test_no_store_is_a_usage_mistake() -> None:
    done = _run()
    assert done.returncode == 2
    assert "--store" in done.stderr


def test_a_taken_port_is_named(store_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _run("--store", store_url, "--port", port)
    assert done.returncode == 3
    assert done.stderr.startswith(f"inspect: port {port} on this machine cannot be used")
    assert "--port" in done.stderr


def test_the_help_names_every_key() -> None:
    done = _run("--help")
    assert done.returncode == 0
    keys = ("P pass", "K recheck", "F fail", "N next undecided", "E evidence", "Z zoom")
    said = " ".join(done.stdout.split())
    assert all(key in said for key in keys)


def test_the_station_reaches_neither_torch_nor_a_training_library() -> None:
    code = (
        "import sys, inspect_app.station.app\n"
        "print(sorted({'torch', 'timm', 'onnx', 'onnxruntime', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
