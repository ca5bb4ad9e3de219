import csv
import os
from collections.abc import Callable
from pathlib import Path

from deploy.runtime.inspector import Inspector
from deploy.scoring.list_file import ListToScore
from deploy.scoring.local import ScoreOptions, score_folder, score_images


def test_unreadable_files_are_listed_and_the_list_can_be_scored_again(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    for number in range(4):
        write_part(images / f"{number}.png", number)
    (images / "1.png").write_text("no image")
    (images / "3, or so.png").write_bytes(b"")
    summary = score_folder([images], inspector, [tmp_path / "r.parquet"])
    listed = tmp_path / "r.unreadable.csv"
    assert summary.unreadable == listed
    with listed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_path"] for row in rows] == [f"{images}/1.png", f"{images}/3, or so.png"]
    assert "a text file" in rows[0]["reason"]
    assert len(rows[0]["sha256"]) == 64

    write_part(images / "1.png", 1)
    write_part(images / "3, or so.png", 3)
    again = score_images(ListToScore(listed), inspector, [tmp_path / "again.csv"])
    assert again.counts == {"pass": 2, "recheck": 0, "fail": 0, "unreadable": 0}


def test_a_list_of_earlier_results_does_not_stay(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    write_part(tmp_path / "images" / "a.png")
    (tmp_path / "r.unreadable.csv").write_text("of before")
    how = ScoreOptions(overwrite=True)
    summary = score_folder([tmp_path / "images"], inspector, [tmp_path / "r.csv"], options=how)
    assert summary.unreadable is None
    assert sorted(os.listdir(tmp_path)) == ["images", "r.csv"]
