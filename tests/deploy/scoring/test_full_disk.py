"""On a disk that is full, scoring ends with a sentence, and goes on when there is room."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.local import ScoreOptions, score_folder
from span_train.contract.errors import InputError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def images(tmp_path: Path, write_part: Callable[..., Path]) -> Path:
    for number in range(24):
        write_part(tmp_path / "images" / f"{number:02d}.png", number)
    return tmp_path / "images"


def fill(disk: Path, leave: int) -> Path:
    free = os.statvfs(disk)
    (disk / "other.bin").write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - leave))
    return disk / "other.bin"


def names(path: Path) -> list[str]:
    return [Path(text).name for text in pq.read_table(path).column("path").to_pylist()]


@pytest.mark.parametrize("leave", [0, 4096, 16_384, 65_536])
def test_a_full_disk_ends_with_a_sentence_and_nothing_is_lost(
    small_disk: Path, images: Path, inspector: Inspector, leave: int
) -> None:
    other, output = fill(small_disk, leave), small_disk / "r.parquet"
    how = ScoreOptions(batch_size=4, chunk_rows=4)
    with pytest.raises(InputError, match=r"cannot be written.*No space left on device"):
        score_folder([images], inspector, [output], options=how)
    assert not output.exists()
    other.unlink()
    summary = score_folder([images], inspector, [output], options=how)
    assert (summary.images, names(output)) == (24, sorted(os.listdir(images)))
    assert os.listdir(small_disk) == ["r.parquet"]


def test_maps_that_find_no_room_end_it_too(
    small_disk: Path, images: Path, inspector: Inspector, tmp_path: Path
) -> None:
    files = ImageFiles(maps=small_disk / "maps")
    fill(small_disk, 16_384)
    with pytest.raises(InputError, match=r"\.npz: cannot be written \(No space left on device\)"):
        score_folder([images], inspector, [tmp_path / "r.csv"], sinks=files.sinks(inspector.bundle))
    (small_disk / "other.bin").unlink()
    sinks = files.sinks(inspector.bundle)
    assert score_folder([images], inspector, [tmp_path / "r.csv"], sinks=sinks).images == 24
    assert len(os.listdir(small_disk / "maps")) == 24
