import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded, decode_in_order, in_batches


@pytest.fixture
def folder(tmp_path: Path, write_part: Callable[..., Path]) -> Path:
    for number in range(30):
        write_part(tmp_path / f"{number:02d}.png", number, size_px=(30 + 7 * (number % 5), 40))
    (tmp_path / "03.png").write_bytes(b"")
    (tmp_path / "04.png").write_text("a text")
    (tmp_path / "05.png").write_bytes((tmp_path / "06.png").read_bytes()[:90])
    (tmp_path / "07.png").unlink()
    return tmp_path


def decode(folder: Path, inspector: Inspector, **how: object) -> list[Decoded]:
    paths = [folder / f"{number:02d}.png" for number in range(30)]
    settings = {"threads": 4, "ahead": 8, "keep_images": False} | how
    return list(decode_in_order(paths, inspector, **settings))


def test_files_come_back_in_order_with_unreadable_ones_in_place(
    folder: Path, inspector: Inspector
) -> None:
    found = decode(folder, inspector)
    assert [int(file.path.stem) for file in found] == list(range(30))
    assert [int(file.path.stem) for file in found if file.fitted is None] == [3, 4, 5, 7]
    assert all(file.image is None for file in found)


def test_each_unreadable_file_says_what_is_wrong(folder: Path, inspector: Inspector) -> None:
    found = decode(folder, inspector)
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

    monkeypatch.setattr("deploy.scoring.decode.load_image", broken)
    found = decode(folder, inspector)
    assert "cannot be decoded (IndexError: a damaged table)" in found[0].problem


def test_originals_are_kept_only_when_asked_for(folder: Path, inspector: Inspector) -> None:
    found = decode(folder, inspector, keep_images=True)
    assert found[1].image is not None
    assert found[1].image.shape == (37, 40, 3)


def test_reading_never_runs_far_ahead(folder: Path, inspector: Inspector) -> None:
    asked: list[Path] = []
    lock = threading.Lock()

    def paths() -> Iterator[Path]:
        for number in range(30):
            with lock:
                asked.append(folder / f"{number:02d}.png")
            yield asked[-1]

    decoded = decode_in_order(paths(), inspector, threads=2, ahead=5, keep_images=False)
    for given in range(1, 10):
        next(decoded)
        assert len(asked) <= given + 5
    decoded.close()
    assert len(asked) < 20


def unreadable(number: int) -> Decoded:
    return Decoded(Path(f"{number}.png"), None, None, None, "damaged")


def test_batches_are_full_in_spite_of_unreadable_files(folder: Path, inspector: Inspector) -> None:
    batches = list(in_batches(decode(folder, inspector), 8))
    readable = [sum(file.fitted is not None for file in batch) for batch in batches]
    assert readable == [8, 8, 8, 2]
    assert sum(len(batch) for batch in batches) == 30


def test_a_heap_of_unreadable_files_does_not_pile_up() -> None:
    batches = list(in_batches(map(unreadable, range(25)), 8, most_files=10))
    assert [len(batch) for batch in batches] == [10, 10, 5]


def test_huge_originals_end_a_batch_early(folder: Path, inspector: Inspector) -> None:
    files = [file for file in decode(folder, inspector, keep_images=True) if file.fitted]
    batches = list(in_batches(files, 100, most_bytes=20_000))
    assert max(len(batch) for batch in batches) <= 5
    assert sum(len(batch) for batch in batches) == 26
