import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.local import ScoreOptions, score_folder
from deploy.scoring.results import ScoredImage
from span_train.contract.errors import InputError
from span_train.contract.image import RGB, load_image
from tests.contract.test_pixels import png, png_chunk, zeros


def read(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def test_each_image_gets_one_row_in_order(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    summary = score_folder([part_folder], inspector, [tmp_path / "r.parquet"])
    rows = read(tmp_path / "r.parquet")
    assert [Path(row["path"]).name for row in rows] == [f"part_{n:02d}.png" for n in range(12)]
    assert [row["verdict"] for row in rows] == ["pass", "pass", "fail"] * 4
    assert summary.counts == {"pass": 8, "recheck": 0, "fail": 4, "unreadable": 0}
    assert (summary.images, summary.scored_now, summary.provider) == (12, 12, "cpu")
    assert summary.images_per_s > 0
    assert os.listdir(tmp_path) == ["r.parquet"]


def test_rows_say_what_the_inspector_says(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    score_folder([part_folder], inspector, [tmp_path / "r.parquet"], options=ScoreOptions(5, 2))
    for row in read(tmp_path / "r.parquet"):
        found = inspector.inspect(load_image(Path(row["path"])))
        assert row["z"] == pytest.approx(found.z, abs=1e-5)
        assert row["defect_type"] == found.defect_type
        parts = ("body", "left_lead", "elsewhere", "free")
        total = row["bias"] + sum(row[f"contribution.{part}"] for part in parts)
        assert total == pytest.approx(row["z"], abs=1e-5)
        assert (row["t_pass"], row["t_fail"], row["outlier_limit"]) == (-2.0, -1.9, 50.0)
        assert row["bundle_id"] == inspector.bundle.bundle_id


def test_unreadable_files_get_a_row_and_stop_nothing(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    for number in range(6):
        write_part(images / f"{number}.png", number)
    (images / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (images / "4.png").write_text("no image")
    summary = score_folder([images], inspector, [tmp_path / "r.parquet"], options=ScoreOptions(3))
    rows = read(tmp_path / "r.parquet")
    assert [row["status"] for row in rows] == ["ok", "ok", "unreadable", "ok", "unreadable", "ok"]
    assert "a text file, expected an image" in rows[4]["reason"]
    assert rows[4]["verdict"] is rows[4]["z"] is rows[4]["contribution.body"] is None
    assert len(rows[4]["sha256"]) == 64
    assert summary.counts["unreadable"] == 2


def test_a_folder_of_nothing_but_damage_is_scored_too(inspector: Inspector, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(5):
        (tmp_path / "images" / f"{number}.png").touch()
    summary = score_folder([tmp_path / "images"], inspector, [tmp_path / "r.csv"])
    assert summary.counts == {"pass": 0, "recheck": 0, "fail": 0, "unreadable": 5}


def test_sinks_get_every_batch_with_the_original_pixels(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    batches: list[list[ScoredImage]] = []
    progress: list[tuple[int, int]] = []
    score_folder(
        [part_folder],
        inspector,
        [tmp_path / "r.parquet"],
        sinks=[batches.append],
        options=ScoreOptions(batch_size=5, threads=2, chunk_rows=5),
        progress=lambda done, total: progress.append((done, total)),
    )
    assert [len(batch) for batch in batches] == [5, 5, 2]
    assert progress == [(0, 12), (5, 12), (10, 12), (12, 12)]
    scored = [one for batch in batches for one in batch]
    assert [one.position for one in scored] == list(range(12))
    for one in scored:
        assert one.image is not None
        assert one.inspection is not None
        assert (one.image == load_image(Path(one.row.path))).all()
        assert one.row.z == one.inspection.z


def test_a_run_that_broke_goes_on_and_scores_nothing_twice(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    def break_after(limit: int) -> Callable[[list[ScoredImage]], None]:
        def sink(batch: list[ScoredImage]) -> None:
            if batch[-1].position >= limit:
                raise RuntimeError("power cut")

        return sink

    how = ScoreOptions(batch_size=2, threads=2, chunk_rows=4)
    output = tmp_path / "r.parquet"
    with pytest.raises(RuntimeError, match="power cut"):
        score_folder([part_folder], inspector, [output], sinks=[break_after(9)], options=how)
    assert not output.exists()
    again: list[ScoredImage] = []
    summary = score_folder([part_folder], inspector, [output], sinks=[again.extend], options=how)
    assert [one.position for one in again] == [8, 9, 10, 11]
    assert (summary.images, summary.scored_now) == (12, 4)
    assert len({row["path"] for row in read(output)}) == len(read(output)) == 12


def test_an_unfinished_run_of_another_folder_is_not_taken_over(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    def stop(_batch: list[ScoredImage]) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        score_folder([part_folder], inspector, [tmp_path / "r.csv"], sinks=[stop])
    with pytest.raises(InputError, match=r"r\.csv\.partial: holds an unfinished run of"):
        score_folder([part_folder / "monday"], inspector, [tmp_path / "r.csv"])


def test_results_that_exist_are_replaced_only_when_asked(
    part_folder: Path, inspector: Inspector, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("older results")
    with pytest.raises(InputError, match=r"r\.csv: exists already; .* --overwrite"):
        score_folder([part_folder], inspector, [tmp_path / "r.csv"])
    assert (tmp_path / "r.csv").read_text() == "older results"
    assert os.listdir(tmp_path) == ["r.csv"]
    how = ScoreOptions(overwrite=True)
    score_folder([part_folder], inspector, [tmp_path / "r.csv"], options=how)
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 13


def test_an_empty_folder_leaves_nothing_behind(inspector: Inspector, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        score_folder([tmp_path / "images"], inspector, [tmp_path / "r.csv"])
    assert os.listdir(tmp_path) == ["images"]


def test_places_are_checked_before_any_work(
    part_folder: Path, inspector: Inspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inspector, "fit", lambda *_: pytest.fail("work began"))
    (tmp_path / "file").touch()
    outputs = [tmp_path / "r.csv", tmp_path / "file" / "r.parquet"]
    with pytest.raises(InputError, match="cannot be written to"):
        score_folder([part_folder], inspector, outputs)


def test_odd_names_are_scored(
    inspector: Inspector, tmp_path: Path, drawn: Callable[..., RGB], write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    plain = write_part(images / "a.png")
    plain.rename(images / os.fsdecode(b'odd \xff,\n".png'))
    score_folder([images], inspector, [tmp_path / "r.parquet"])
    [row] = read(tmp_path / "r.parquet")
    assert row["status"] == "ok"
    assert row["path"].endswith('odd \\xff,\n".png')


def test_whatever_lies_in_a_folder_gets_a_row_and_the_run_goes_on(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    write_part(images / "a.png")
    (images / "bomb.png").write_bytes(png(60_000, 60_000, png_chunk(b"IDAT", zeros(10**6))))
    (images / "empty.png").touch()
    (images / "huge.png").write_bytes(png(20_000, 20_000, png_chunk(b"IDAT", zeros(999))))
    write_part(images / f"{'l' * 251}.png", 1)
    (images / "loop.png").symlink_to("loop.png")
    write_part(images / "odd.png", 2).rename(images / os.fsdecode(b"odd\xff.png"))
    write_part(images / "one.png", 3, size_px=(1, 1))
    write_part(images / "wide.png", 4, size_px=(1, 20_000))
    write_part(images / "z.png", 5)
    score_folder([images], inspector, [tmp_path / "r.parquet"], options=ScoreOptions(3))
    found = {Path(row["path"]).name: row for row in read(tmp_path / "r.parquet")}
    bad = {name: row["reason"] for name, row in found.items() if row["status"] == "unreadable"}
    assert len(found) == 10
    assert sorted(bad) == ["bomb.png", "empty.png", "huge.png", "loop.png"]
    assert "60000x60000 pixels, the limit is" in bad["bomb.png"]
    assert "20000x20000 pixels, the limit is" in bad["huge.png"]
    assert "an empty file" in bad["empty.png"]
    assert "Too many levels of symbolic links" in bad["loop.png"]
    assert found["odd\\xff.png"]["verdict"] is not None


def test_memory_for_reading_does_not_grow_with_the_folder(
    inspector: Inspector, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    first = write_part(images / "0000.png", size_px=(200, 300))
    for number in range(1, 400):
        os.link(first, images / f"{number:04d}.png")
    alive = 0
    most = 0
    load, lock = Inspector.fit, threading.Lock()

    def counted(self: Inspector, image: RGB) -> object:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return load(self, image)

    def sink(batch: list[ScoredImage]) -> None:
        nonlocal alive
        with lock:
            alive -= len(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inspector, "fit", counted)
        score_folder(
            [images],
            inspector,
            [tmp_path / "r.parquet"],
            sinks=[sink],
            options=ScoreOptions(batch_size=8, threads=2),
        )
    # A window of readers; batches being gathered, run and written.
    assert most <= 2 * 2 + 8 * (1 + 2 + 2)
