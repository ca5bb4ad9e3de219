import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded, decode, in_batches


@pytest.fixture
def folder(tmp_path: Path, write_part: Callable[..., Path]) -> Path:
    for number in range(30):
        write_part(tmp_path / f"{number:02d}.png", number, size_px=(30 + 7 * (number % 5), 40))
    (tmp_path / "03.png").write_bytes(b"")
    (tmp_path / "04.png").write_text("a text")
    (tmp_path / "05.png").write_bytes((tmp_path / "06.png").read_bytes()[:90])
    (tmp_path / "07.png").unlink()
    return tmp_path


def decoded(folder: Path, inspector: Inspector, keep_image: bool = False) -> list[Decoded]:
    places = [str(folder / f"{number:02d}.png") for number in range(30)]
    return [decode(waiting, inspector, keep_image) for waiting in enumerate(places)]


def test_unreadable_files_keep_their_place(folder: Path, inspector: Inspector) -> None:
    found = decoded(folder, inspector)
    assert [file.position for file in found] == list(range(30))
    assert [file.position for file in found if file.fitted is None] == [3, 4, 5, 7]
    assert all(file.image is None for file in found)


def test_each_unreadable_file_says_what_is_wrong(folder: Path, inspector: Inspector) -> None:
    found = decoded(folder, inspector)
    assert "an empty file, expected an image" in found[3].problem
    assert "a text file, expected an image" in found[4].problem
    assert "cannot be decoded" in found[5].problem
    assert "cannot be read (No such file or directory)" in found[7].problem
    assert found[7].sha256 is None
    assert len(found[3].sha256 or "") == 64


def test_a_decoder_that_breaks_makes_the_file_unreadable(
    folder: Path, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("a damaged table")

    monkeypatch.setattr(Inspector, "decode", broken)
    found = decoded(folder, inspector)
    assert "cannot be decoded (IndexError: a damaged table)" in found[0].problem


def test_originals_are_kept_only_when_asked_for(folder: Path, inspector: Inspector) -> None:
    found = decoded(folder, inspector, keep_image=True)
    assert found[1].image is not None
    assert found[1].image.shape == (37, 40, 3)


def test_the_hash_is_that_of_the_very_bytes_that_were_decoded(
    folder: Path, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (folder / "01.png").read_bytes()
    inside = Inspector.decode

    def changed_meanwhile(self: Inspector, content: bytes, where: str) -> object:
        (folder / "00.png").write_bytes(other)
        return inside(self, content, where)

    expected = hashlib.sha256((folder / "00.png").read_bytes()).hexdigest()
    before = decode((0, str(folder / "00.png")), inspector, False)
    monkeypatch.setattr(Inspector, "decode", changed_meanwhile)
    during = decode((0, str(folder / "00.png")), inspector, False)
    assert before.sha256 == during.sha256 == expected
    assert before.fitted is not None
    assert during.fitted is not None
    assert (before.fitted.square == during.fitted.square).all()


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "null\0byte.png", "\udcff.png", ".", "pipe"])
def test_names_that_lead_nowhere_are_told(tmp_path: Path, inspector: Inspector, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = decode((0, str(tmp_path / name)), inspector, False)
    assert found.sha256 is None
    assert "cannot be read" in found.problem or "is no plain file" in found.problem


def unreadable(number: int) -> Decoded:
    return Decoded(number, f"{number}.png", None, None, None, "damaged")


def test_batches_are_full_in_spite_of_unreadable_files(folder: Path, inspector: Inspector) -> None:
    batches = list(in_batches(decoded(folder, inspector), 8))
    readable = [sum(file.fitted is not None for file in batch) for batch in batches]
    assert readable == [8, 8, 8, 2]
    assert sum(len(batch) for batch in batches) == 30


def test_a_heap_of_unreadable_files_does_not_pile_up() -> None:
    batches = list(in_batches(map(unreadable, range(25)), 8, most_files=10))
    assert [len(batch) for batch in batches] == [10, 10, 5]


def test_huge_originals_end_a_batch_early(folder: Path, inspector: Inspector) -> None:
    files = [file for file in decoded(folder, inspector, keep_image=True) if file.fitted]
    batches = list(in_batches(files, 100, most_bytes=20_000))
    assert max(len(batch) for batch in batches) <= 5
    assert sum(len(batch) for batch in batches) == 26
