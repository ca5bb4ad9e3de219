import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.scoring.whole_files import check_writable, clear_leftovers, whole_file
from span_train.contract.errors import InputError


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Root may write anywhere; be nobody while the test runs."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("ordinary_user")
def test_a_folder_without_the_right_to_write_is_named() -> None:
    with pytest.raises(InputError, match=r"/usr: cannot be written to \(Permission denied\)"):
        check_writable(Path("/usr"))


def test_a_check_for_writing_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())


def test_a_file_that_was_cut_never_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"before")

    def cut() -> None:
        with whole_file(tmp_path / "a.bin") as file:
            file.write(b"half")
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        cut()
    assert (tmp_path / "a.bin").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_name_as_long_as_a_name_may_be_is_written(tmp_path: Path) -> None:
    with whole_file(tmp_path / ("n" * 251 + ".csv")) as file:
        file.write(b"whole")
    assert os.listdir(tmp_path) == ["n" * 251 + ".csv"]


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [".r.csv.mine", "r.csv.0123abcd", ".r.csv.0123abcg", "r[1].csv"]
    for name in [".r.csv.0123abcd", ".r.csv.ffffffff", *kept]:
        (tmp_path / name).touch()
    clear_leftovers(tmp_path / "r.csv")
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
