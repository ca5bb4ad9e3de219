"""`inspect watch` as a process of its own, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from inspect_app.store import StoreReader

Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    folder = tmp_path / "hot"
    folder.mkdir()
    return folder


def test_a_process_watches_tells_how_it_is_and_stops_cleanly(
    hot: Path, bundle_folder: Path, write_part: Callable[..., Path], run_inspect: Inspect
) -> None:
    database = hot.with_name("line.db")
    program = [sys.executable, "-c", "from inspect_app.cli.main import main; main()", "watch"]
    arguments = [hot, "--bundle", bundle_folder, "--provider", "cpu"]
    process = subprocess.Popen(
        [*program, *map(str, arguments)],
        env=os.environ | {"INSPECT_STORE_URL": f"sqlite:///{database}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"Watching {hot} with pump-v4 (")
        write_part(hot / "a.png")
        done = hot.with_name("hot.done")
        end = time.monotonic() + 20
        while not list(done.rglob("a.png")):
            assert time.monotonic() < end, process.poll()
            time.sleep(0.05)
        code, _, said = run_inspect("watch", *arguments, "--store", f"sqlite:///{database}")
        assert (code, said) == (
            3, f"inspect: {hot}: another `inspect watch` has this folder; stop that one first.\n"
        )  # fmt: skip
        process.send_signal(signal.SIGTERM)
        told, complaints = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert told == "Stopped: 1 inspected, 0 of them unreadable.\n"
    assert complaints == ""
    with StoreReader(f"sqlite:///{database}") as reader:
        assert [row.file_name for row in reader.page()] == ["a.png"]
    (heartbeat,) = (database.with_name("line.db.assets") / "watch").glob("[!.]*.json")
    assert json.loads(heartbeat.read_text())["state"] == "stopped"


def test_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, bundle_folder: Path, run_inspect: Inspect
) -> None:
    asked = "--bundle", bundle_folder, "--store", tmp_path / "line.db"
    code, _, said = run_inspect("watch", tmp_path / "nothing", *asked)
    assert code == 3
    assert f"{tmp_path / 'nothing'}: is no folder; make it, or mount its share" in said


def test_a_folder_that_cannot_be_written_may_be_kept(
    hot: Path, bundle_folder: Path, run_inspect: Inspect
) -> None:
    hot.with_name("hot.done").write_text("a file where the folder should be")
    asked = "--bundle", bundle_folder, "--store", hot.with_name("line.db")
    code, _, said = run_inspect("watch", hot, *asked)
    assert code == 3
    assert "hot.done: cannot be written to" in said
    assert "--after keep" in said


def test_the_watched_folder_is_no_place_to_move_files_to(
    hot: Path, bundle_folder: Path, run_inspect: Inspect
) -> None:
    asked = "--bundle", bundle_folder, "--store", hot.with_name("line.db"), "--done", hot
    code, _, said = run_inspect("watch", hot, *asked)
    assert code == 3
    assert "is the watched folder itself" in said


def test_a_wrong_pattern_is_refused_before_anything_is_opened(
    hot: Path, run_inspect: Inspect
) -> None:
    code, _, said = run_inspect(
        "watch", hot, "--bundle", "nothing", "--store", "x.db", "--name-pattern", "(?P<part>.*)"
    )
    assert code == 3
    assert "found part, expected named groups among part_id" in said
    assert not Path("x.db").exists()
