"""Kill the real command between any two of its steps, start it again, and count."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.watch.conftest import Line, wait_until

ROOT = Path(__file__).parents[2]
KILLED = """
import os, sys
import inspect_app.cli.main as command
from pathlib import Path
import inspect_app.store.writer as writer
import inspect_app.watch.take_away as take_away
kill = lambda *_, **__: os.kill(os.getpid(), 9)
{window}
sys.argv = ["inspect", "watch", *sys.argv[1:]]
command.main()
"""
WINDOWS = {
    "pictures are written, rows are not": "writer._first_of_same_content = kill",
    "rows are stored, nothing is moved": "take_away.TakeAway.take = kill",
    "a folder is made, nothing lies in it": "Path.rename = kill",
    "one file is taken out, not yet moved": "take_away.move_beside = kill",
    "one file is in both places": (
        "unlink = Path.unlink\n"
        "Path.unlink = lambda path, **how: "
        "kill() if '.inspect-taken' in str(path) else unlink(path, **how)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_killed_between_two_steps_every_arrival_is_there_once(
    line: Line, write_part: Callable[..., Path], bundle_folder: Path, window: str
) -> None:
    for number in range(4):
        write_part(line.hot / f"{number}.png", number)
    (line.hot / "bad.png").write_bytes(b"no image")
    places = [line.hot, "--bundle", bundle_folder, "--store", line.url, "--provider", "cpu"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(window=window), *map(str, places), "--patience", "0"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with line.watched():
        wait_until(lambda: line.left() == [])
    assert sorted(line.names()) == ["0.png", "1.png", "2.png", "3.png", "bad.png"]
    assert line.beside() == ["0.png", "1.png", "2.png", "3.png"]
    assert line.beside("unreadable") == ["bad.png"]
