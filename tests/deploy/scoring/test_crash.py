"""Kill scoring in the middle with SIGKILL, start it again, and count."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[3]
IMAGES = 60
SCORE = """
import sys, time
from pathlib import Path
from deploy.runtime.inspector import Inspector
from deploy.scoring.local import ScoreOptions, score_folder
images, bundle, seen, *outputs = map(Path, sys.argv[1:])

def slow_sink(batch):
    with seen.open("a") as file:
        for one in batch:
            file.write(one.row.path + "\\n")
    time.sleep(0.05)

score_folder([images], Inspector.open(bundle, "cpu", threads=1), outputs, sinks=[slow_sink],
             options=ScoreOptions(batch_size=2, threads=2, chunk_rows=6))
"""


@pytest.fixture
def images(tmp_path: Path, write_part: Callable[..., Path]) -> Path:
    for number in range(IMAGES):
        write_part(tmp_path / "images" / f"{number:03d}.png", number, defect=number % 4 == 0)
    (tmp_path / "images" / "013.png").write_bytes(b"damaged")
    return tmp_path / "images"


def start(arguments: list[Path]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", SCORE, *map(str, arguments)], env=environment)


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "scoring did not come that far"
        assert process.poll() is None, "scoring ended before it could be killed"
        time.sleep(0.005)


def chunks(folder: Path) -> int:
    return len(list(folder.glob("rows-*.parquet")))


@pytest.mark.slow
def test_killed_again_and_again_every_image_is_scored_exactly_once(
    images: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    parquet, table, seen = tmp_path / "r.parquet", tmp_path / "r.csv", tmp_path / "seen"
    arguments = [images, bundle_folder, seen, parquet, table]
    journal = tmp_path / "r.parquet.partial"
    dice = random.Random(0)
    for kill in range(3):
        process = start(arguments)
        before = chunks(journal)
        wait_until(lambda before=before: chunks(journal) > before, process)
        time.sleep(dice.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not parquet.exists(), f"results appeared before the end, kill {kill}"
        assert 0 < chunks(journal) < IMAGES // 6

    assert start(arguments).wait() == 0

    expected = [str(path) for path in sorted(images.iterdir())]
    assert pq.read_table(parquet).column("path").to_pylist() == expected
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == expected
    assert [row["path"] for row in rows if row["status"] == "unreadable"] == [expected[13]]
    assert not journal.exists()
    # A sink may see the images of an unfinished chunk again, and must miss none.
    handed_over = seen.read_text().splitlines()
    assert set(handed_over) == set(expected)
    assert IMAGES <= len(handed_over) <= IMAGES + 3 * (6 + 2)


def test_killed_between_two_results_files_the_second_is_made_on_restart(
    images: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    outputs = [tmp_path / "r.parquet", tmp_path / "r.jsonl"]
    arguments = [images, bundle_folder, tmp_path / "seen", *outputs]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    dies = SCORE.replace(
        "import sys, time\n",
        "import os, sys, time\nimport deploy.scoring.run as run\nwrite = run.write_results\n"
        "run.write_results = lambda tables, schema, output: (write(tables, schema, output), "
        "os.kill(os.getpid(), 9))\n",
    ).replace("0.05", "0")
    killed = subprocess.run([sys.executable, "-c", dies, *map(str, arguments)], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert [output.exists() for output in outputs] == [True, False]
    assert start(arguments).wait() == 0
    assert len(outputs[1].read_text().splitlines()) == IMAGES
    assert pq.read_table(outputs[0]).num_rows == IMAGES
    assert len((tmp_path / "seen").read_text().splitlines()) == IMAGES
