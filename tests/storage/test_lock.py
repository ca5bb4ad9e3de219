"""One process at a time; a killed one holds nothing."""

import errno
import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from span_train.storage.lock import Taken, locked

_HOLDS = """
import sys, time
from pathlib import Path
from span_train.storage.lock import locked
with locked(Path(sys.argv[1]), wait=False):
    Path(sys.argv[2]).touch()
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    with locked(file, wait=False) as known:
        assert known
        with pytest.raises(Taken), locked(file, wait=False):
            pass
    assert list(tmp_path.iterdir()) == []
    with locked(file, wait=False):
        pass


def test_who_waits_gets_it_when_the_other_is_done(tmp_path: Path) -> None:
    order: list[str] = []

    def hold(name: str, seconds: float) -> None:
        with locked(tmp_path / ".lock", wait=True):
            order.append(f"{name} in")
            time.sleep(seconds)
            order.append(f"{name} out")

    threads = [threading.Thread(target=hold, args=(name, 0.02)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(order) == 8
    for entered, left in zip(order[::2], order[1::2], strict=True):
        assert entered.removesuffix(" in") == left.removesuffix(" out")


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    file, ready = tmp_path / ".lock", tmp_path / "ready"
    child = subprocess.Popen([sys.executable, "-c", _HOLDS, file, ready])
    while not ready.exists():
        assert child.poll() is None
        time.sleep(0.01)
    with pytest.raises(Taken), locked(file, wait=False):
        pass
    child.kill()
    child.wait()
    assert file.exists()
    with locked(file, wait=False):
        pass
    assert not file.exists()


def test_a_disk_without_locks_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with locked(tmp_path / ".lock", wait=True) as known:
        assert not known


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "gone" / ".lock", wait=True):
        pass
