import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.listing import FoldersToScore
from deploy.scoring.local import ScoreOptions, score_images
from deploy.scoring.parts import PartName, parts_file
from deploy.scoring.run import ScoreSummary
from span_train.contract.errors import InputError


def part_of(stem: str) -> PartName | None:
    """Names like `L1-007-top`: lot, part, camera."""
    lot, dash, rest = stem.partition("-")
    return (None, lot, rest.partition("-")[0]) if dash else None


def score(folder: Path, inspector: Inspector, out: Path, **how: bool) -> ScoreSummary:
    options = ScoreOptions(**how)
    images = FoldersToScore([folder])
    return score_images(images, inspector, [out], part_of=part_of, options=options)


def rows(out: Path) -> list[dict[str, str]]:
    with parts_file(out).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def images(tmp_path: Path, write_part: Callable[..., Path]) -> Path:
    folder = tmp_path / "images"
    for seed, name in enumerate(("L1-1-side", "L1-1-top", "L1-2-side", "L2-1-side", "odd")):
        write_part(folder / f"{name}.png", seed, defect=name == "L1-1-top")
    (folder / "L1-2-top.png").write_bytes(b"damaged")
    return folder


def test_a_part_is_judged_by_its_worst_image(
    images: Path, inspector: Inspector, tmp_path: Path
) -> None:
    summary = score(images, inspector, tmp_path / "r.parquet")
    found = rows(tmp_path / "r.parquet")
    assert [(row["lot"], row["part_id"], row["verdict"]) for row in found] == [
        ("L1", "1", "fail"),
        ("L1", "2", "recheck"),
        ("L2", "1", "pass"),
    ]
    assert [Path(row["worst_image"]).name for row in found[:2]] == ["L1-1-top.png", "L1-2-top.png"]
    assert "a text file, expected an image" in found[1]["reason"]
    assert [(row["images"], row["unreadable"]) for row in found] == [
        ("2", "0"),
        ("2", "1"),
        ("1", "0"),
    ]
    assert found[1]["z"] == ""
    assert summary.parts is not None
    assert summary.parts.counts == {"pass": 1, "recheck": 1, "fail": 1}
    assert summary.parts.nameless == 1


def test_of_equal_verdicts_the_highest_z_is_the_worst(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    places = [write_part(tmp_path / "images" / f"L-1-{n}.png", n, defect=True) for n in range(4)]
    score(tmp_path / "images", inspector, tmp_path / "r.csv")
    [row] = rows(tmp_path / "r.csv")
    z = {str(place): inspector.inspect(inspector.read(place)).z for place in places}
    assert row["worst_image"] == max(z, key=lambda place: z[place])
    assert float(row["z"]) == pytest.approx(max(z.values()), abs=1e-4)


def test_parts_of_earlier_results_are_neither_replaced_unasked_nor_left(
    images: Path, inspector: Inspector, tmp_path: Path
) -> None:
    out = tmp_path / "r.csv"
    parts_file(out).write_text("of before")
    with pytest.raises(InputError, match=r"r\.parts\.csv: exists already"):
        score(images, inspector, out)
    score(images, inspector, out, overwrite=True)
    assert len(rows(out)) == 3
    how = ScoreOptions(overwrite=True)
    summary = score_images(FoldersToScore([images]), inspector, [out], options=how)
    assert summary.parts is None
    assert sorted(os.listdir(tmp_path)) == ["images", "r.csv", "r.unreadable.csv"]


def test_results_may_not_have_the_name_of_the_parts(
    images: Path, inspector: Inspector, tmp_path: Path
) -> None:
    outputs = [tmp_path / "r.parquet", tmp_path / "r.parts.csv"]
    with pytest.raises(InputError, match="where parts are listed"):
        score_images(FoldersToScore([images]), inspector, outputs, part_of=part_of)


def test_parts_are_brought_together_over_a_restart(
    images: Path, inspector: Inspector, tmp_path: Path
) -> None:
    out, how = tmp_path / "r.csv", ScoreOptions(batch_size=2, chunk_rows=2)
    calls: list[object] = []

    def breaks_later(batch: object) -> None:
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_images(FoldersToScore([images]), inspector, [out], sinks=[breaks_later], options=how)
    summary = score_images(
        FoldersToScore([images]),
        inspector,
        [out],
        part_of=part_of,
        options=replace(how, keep_images=False),
    )
    assert summary.scored_now < summary.images == 6
    assert [row["verdict"] for row in rows(out)] == ["fail", "recheck", "pass"]
