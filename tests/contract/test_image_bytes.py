import os
from pathlib import Path

import pytest

from span_train.contract.errors import ImageError
from span_train.contract.image_bytes import check_size, read_image_bytes

LIMIT = 64_000_000


def test_a_file_is_given_whole(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"anything\0at all")
    assert read_image_bytes(tmp_path / "a.png", LIMIT) == b"anything\0at all"


def test_a_pipe_without_a_writer_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png: is no plain file"):
        read_image_bytes(tmp_path / "a.png", LIMIT)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/proc"])
def test_what_never_ends_or_is_no_file_is_refused(place: str) -> None:
    with pytest.raises(ImageError, match=r"is no plain file|Is a directory"):
        read_image_bytes(place, LIMIT)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none.png", "No such file"), ("n" * 300, "File name too long"), ("a\0b", "null byte")],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ImageError, match=f"cannot be read .*{reason}"):
        read_image_bytes(tmp_path / name, LIMIT)


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("a.png")
    with pytest.raises(ImageError, match="Too many levels of symbolic links"):
        read_image_bytes(tmp_path / "a.png", LIMIT)


def test_a_file_larger_than_any_such_image_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(5 << 40)
    with pytest.raises(ImageError, match=r"a\.png: 5242880 MiB, the limit is 552 MiB for 64000000"):
        read_image_bytes(tmp_path / "a.png", LIMIT)
    check_size("a.png", 8 * LIMIT, LIMIT)


@pytest.mark.parametrize(("then", "told"), [(b"half", "4 bytes|then 4"), (b"x" * 99, "then more")])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: bytes, told: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"0123456789")
    look = os.fstat

    def written_meanwhile(descriptor: int) -> os.stat_result:
        found = look(descriptor)
        path.write_bytes(then)
        return found

    monkeypatch.setattr("span_train.contract.image_bytes.os.fstat", written_meanwhile)
    with pytest.raises(ImageError, match=rf"changed while it was read \(10 bytes, .*({told})"):
        read_image_bytes(path, LIMIT)
