import csv
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deploy.bundle.manifest import Manifest
from deploy.bundle.read import open_bundle
from deploy.scoring.results import (
    ResultRow,
    check_outputs,
    path_text,
    plain_text,
    results_schema,
    rows_to_table,
    write_results,
)
from span_train.contract.errors import InputError
from span_train.contract.image_quality import ImageQuality


@pytest.fixture(scope="module")
def manifest(bundle_folder: Path) -> Manifest:
    return open_bundle(bundle_folder).manifest


def row(number: int = 0) -> ResultRow:
    return ResultRow(
        path=f"/data/part {number}.png",
        sha256="a" * 64,
        status="ok",
        verdict="fail",
        reason='z 1.0 reaches, "as said", 0.9\nand more',
        defect_type="scratch",
        z=0.1 + number,
        outlier=3.0,
        t_pass=None,
        t_fail=0.9,
        outlier_limit=None,
        bias=-2.0,
        contributions={"body": 1.0, "left_lead": 0.5, "elsewhere": 0.25, "free": 0.35},
        quality=ImageQuality(0.5, 0.1, 12.0, 0.0),
        bundle_id="b" * 64,
        model_id="c" * 64,
        provider="cpu",
        latency_ms=1.5,
        time=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
    )


def written(manifest: Manifest, rows: list[ResultRow], output: Path) -> Path:
    schema = results_schema(manifest)
    tables = [rows_to_table(rows[start : start + 3], schema) for start in range(0, len(rows), 3)]
    write_results(tables, schema, output)
    return output


def test_all_three_kinds_hold_the_same_rows(manifest: Manifest, tmp_path: Path) -> None:
    rows = [row(number) for number in range(7)]
    parquet = pq.read_table(written(manifest, rows, tmp_path / "r.parquet")).to_pylist()
    lines = written(manifest, rows, tmp_path / "r.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == parquet
    with written(manifest, rows, tmp_path / "r.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    for text, values in zip(from_csv, parquet, strict=True):
        assert list(text) == list(values)
        for name, value in values.items():
            same = float(text[name]) if isinstance(value, float) else text[name]
            assert same == ("" if value is None else value)


def test_a_row_has_one_column_a_part_and_one_a_quality(manifest: Manifest, tmp_path: Path) -> None:
    [found] = pq.read_table(written(manifest, [row()], tmp_path / "r.parquet")).to_pylist()
    assert found["contribution.left_lead"] == 0.5
    assert found["contribution.free"] == 0.35
    assert found["quality.sharpness"] == 12.0
    assert found["time"] == "2026-01-02T03:04:05.678+00:00"
    assert found["t_pass"] is None


def test_numbers_that_are_not_finite_become_empty(manifest: Manifest, tmp_path: Path) -> None:
    strange = replace(row(), z=float("nan"), outlier=float("inf"))
    [line] = written(manifest, [strange], tmp_path / "r.jsonl").read_text().splitlines()
    assert json.loads(line)["z"] is None
    assert json.loads(line)["outlier"] is None


def test_a_file_appears_only_when_it_is_whole(manifest: Manifest, tmp_path: Path) -> None:
    schema = results_schema(manifest)
    (tmp_path / "r.csv").write_text("the results of before")

    def tables() -> object:
        yield rows_to_table([row()], schema)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"No space left.*what was scored is kept"):
        write_results(tables(), schema, tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text() == "the results of before"
    assert os.listdir(tmp_path) == ["r.csv"]


def test_small_pieces_become_one_row_group(manifest: Manifest, tmp_path: Path) -> None:
    path = written(manifest, [row(number) for number in range(30)], tmp_path / "r.parquet")
    assert pq.ParquetFile(path).num_row_groups == 1


@pytest.mark.parametrize("name", ["results", "results.txt", "results.Parquet", "results.csv.gz"])
def test_an_unknown_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"expected \.parquet or \.csv or \.jsonl"):
        check_outputs([tmp_path / name])


def test_one_name_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="different names"):
        check_outputs([tmp_path / "a.csv", tmp_path / "." / "a.csv"])
    with pytest.raises(InputError, match="no results file"):
        check_outputs([])


def test_a_place_that_refuses_writing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: cannot be written to .*choose another place"):
        check_outputs([tmp_path / "file" / "a.csv"])
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_outputs([tmp_path / "b.csv"])


def test_a_path_of_odd_bytes_becomes_text() -> None:
    assert path_text(Path(os.fsdecode(b"/data/\xff\xc3\xa4.png"))) == "/data/\\xff\u00e4.png"


def test_a_message_about_odd_bytes_becomes_text() -> None:
    odd = os.fsdecode(b"/data/\xff.png")
    assert plain_text(f"{odd}: broken") == "/data/\\udcff.png: broken"
