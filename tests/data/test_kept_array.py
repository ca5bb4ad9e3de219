"""A large array is made once, whole or not at all, however many processes ask and are killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import InputError
from span_train.data.kept_array import kept_file, open_kept
from span_train.storage.lock import locked

SHAPE = (5, 4, 4)


def fill(array: np.ndarray) -> None:
    array[:] = np.arange(80).reshape(SHAPE)


def made(folder: Path, key: str = "abc") -> Path:
    return kept_file(folder, "things", key, SHAPE, fill)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_an_array_is_made_once_and_used_again(tmp_path: Path) -> None:
    file = made(tmp_path / "kept")
    assert names(tmp_path / "kept") == ["things-abc.npy"]
    array = open_kept(file)
    assert array.flat[79] == 79
    assert not array.flags.writeable
    again = kept_file(tmp_path / "kept", "things", "abc", SHAPE, lambda _: pytest.fail("again"))
    assert again == file


def test_an_array_that_cannot_be_filled_leaves_nothing(tmp_path: Path) -> None:
    def broken(array: np.ndarray) -> None:
        raise ValueError("no image")

    with pytest.raises(ValueError, match="no image"):
        kept_file(tmp_path, "things", "abc", SHAPE, broken)
    assert names(tmp_path) == []


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    for left in (".unfinished-abc-1.npy", ".unfinished-other-2.npy", ".lock-other"):
        (tmp_path / left).write_bytes(b"half")
    made(tmp_path)
    assert names(tmp_path) == ["things-abc.npy"]


def test_what_another_process_is_making_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-other-2.npy").write_bytes(b"half")
    with locked(tmp_path / ".lock-other", wait=False):
        made(tmp_path)
        assert names(tmp_path) == [".lock-other", ".unfinished-other-2.npy", "things-abc.npy"]


def test_a_file_that_is_not_whole_is_named(tmp_path: Path) -> None:
    file = made(tmp_path)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=r"things-abc\.npy: cannot be read .* all of them can see"):
        open_kept(file)
    assert open_kept(made(tmp_path)).flat[79] == 79


_AT_ONCE = """
import sys, time
from pathlib import Path
from span_train.data.kept_array import kept_file
folder, go = map(Path, sys.argv[1:])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)

def fill(array):
    print("fills", flush=True)
    for place in range(len(array)):
        array[place] = place
        time.sleep(0.02)

kept_file(folder, "things", "abc", (20, 64), fill)
"""


def test_of_two_processes_that_ask_at_once_one_makes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _AT_ONCE, tmp_path / "kept", tmp_path / "go"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    said = [one.communicate(timeout=60)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted(said) == ["", "fills\n"]
    assert names(tmp_path / "kept") == ["things-abc.npy"]
    assert open_kept(tmp_path / "kept" / "things-abc.npy")[:, 0].tolist() == list(range(20))


_LITTLE_ROOM = """
import resource, signal, sys
from pathlib import Path
from span_train.contract.errors import InputError
from span_train.data.kept_array import kept_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    kept_file(Path(sys.argv[1]), "things", "abc", (4, 1_000_000), lambda array: array.fill(1))
except InputError as problem:
    print(problem)
"""


def test_no_room_on_the_disk_is_an_error_and_no_crash(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LITTLE_ROOM, tmp_path / "kept"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "kept: cannot keep 4 MB of things there (File too large); choose a fold" in done.stdout
    assert names(tmp_path / "kept") == []
