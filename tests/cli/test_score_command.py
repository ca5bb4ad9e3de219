import csv
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from inspect_app.cli.score_progress import progress_line

Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, stderr holds what is tested and no lines about progress."""
    monkeypatch.setattr("inspect_app.cli.score_progress._LINE_EVERY_S", float("inf"))


def test_scoring_writes_every_file_asked_for_and_a_table(
    run_inspect: Inspect, part_folder: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    parquet, table = tmp_path / "r.parquet", tmp_path / "r.csv"
    code, out, err = run_inspect(
        "score", part_folder, "--bundle", bundle_folder, "--out", parquet, "--out", table,
        "--provider", "cpu", "--threads", 2,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "pass               8   66.7%" in out
    assert "fail               4   33.3%" in out
    assert "12 scored in" in out
    assert "on cpu (" in out
    assert pq.read_table(parquet).num_rows == 12
    with table.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 12


def test_unreadable_files_end_with_code_5(
    run_inspect: Inspect, bundle_folder: Path, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    write_part(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "b.png").write_text("no image")
    code, out, _ = run_inspect(
        "score", tmp_path / "images", "--bundle", bundle_folder, "--out", tmp_path / "r.jsonl",
        "--json",
    )  # fmt: skip
    assert code == 5
    summary = json.loads(out)
    assert summary["counts"] == {"pass": 1, "recheck": 0, "fail": 0, "unreadable": 1}
    assert (summary["images"], summary["provider"]) == (2, "cpu")
    assert summary["outputs"] == [str(tmp_path / "r.jsonl")]
    assert summary["unreadable"] == str(tmp_path / "r.unreadable.csv")
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["ok", "unreadable"]


def test_an_empty_folder_ends_with_code_3_and_one_line(
    run_inspect: Inspect, bundle_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    code, out, err = run_inspect(
        "score", tmp_path / "images", "--bundle", bundle_folder, "--out", tmp_path / "r.csv"
    )
    assert (code, out) == (3, "")
    assert err.startswith(f"inspect: {tmp_path / 'images'}: holds no image; expected files ending")
    assert err.count("\n") == 1


def test_a_changed_bundle_ends_with_code_3(
    run_inspect: Inspect, part_folder: Path, own_bundle: Path, tmp_path: Path
) -> None:
    (own_bundle / "policy.json").write_text("{}")
    code, _, err = run_inspect(
        "score", part_folder, "--bundle", own_bundle, "--out", tmp_path / "r.csv"
    )
    assert code == 3
    assert "policy.json: changed since export" in err


def test_cuda_that_is_not_there_ends_with_code_3(
    run_inspect: Inspect,
    part_folder: Path,
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    code, _, err = run_inspect(
        "score", part_folder, "--bundle", bundle_folder, "--out", tmp_path / "r.csv",
        "--provider", "cuda",
    )  # fmt: skip
    assert code == 3
    assert "CUDA was asked for" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("by_environment", [False, True])
def test_inspections_go_to_the_store_once(
    run_inspect: Inspect,
    part_folder: Path,
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_environment: bool,
) -> None:
    url = f"sqlite:///{tmp_path / 'line.db'}"
    given = [] if by_environment else ["--store", url]
    for name in ("one.csv", "two.csv"):
        if by_environment:
            monkeypatch.setenv("INSPECT_STORE_URL", url)
        code, _, err = run_inspect(
            "score", part_folder, "--bundle", bundle_folder, "--out", tmp_path / name, *given
        )
        assert (code, err) == (0, "")
    with sqlite3.connect(tmp_path / "line.db") as store:
        rows = store.execute("SELECT source, verdict FROM inspections ORDER BY id").fetchall()
    store.close()
    assert len(rows) == len({source for source, _ in rows}) == 12
    assert [verdict for _, verdict in rows] == ["pass", "pass", "fail"] * 4


def test_overlays_are_drawn_beside_but_never_inside_the_images(
    run_inspect: Inspect, part_folder: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    score = ("score", part_folder, "--bundle", bundle_folder, "--out", tmp_path / "r.csv")
    code, _, err = run_inspect(*score, "--overlays", "fail", "--overlays-dir", part_folder / "o")
    assert code == 3
    assert "overlays would be scored with the next run" in err
    code, _, _ = run_inspect(*score, "--overlays", "fail", "--overlays-dir", tmp_path / "o")
    assert code == 0
    assert len(list((tmp_path / "o").glob("*_fail.png"))) == 4


@pytest.mark.parametrize(
    ("gates", "code", "told"),
    [
        (["--max-fail-rate", "0.34"], 0, ""),
        (["--max-fail-rate", "0.33"], 4, "4 of 12 images (33.33%) are fail, the limit is 33.00%."),
        (["--max-recheck-rate", "0", "--max-unreadable-rate", "0"], 0, ""),
    ],
)
def test_a_gate_that_is_missed_ends_with_code_4_and_results(
    run_inspect: Inspect,
    part_folder: Path,
    bundle_folder: Path,
    tmp_path: Path,
    gates: list[str],
    code: int,
    told: str,
) -> None:
    found, out, err = run_inspect(
        "score", part_folder, "--bundle", bundle_folder, "--out", tmp_path / "r.csv", *gates
    )
    assert found == code
    assert err == (f"inspect: {tmp_path / 'r.csv'}: {told}\n" if told else "")
    assert "12 scored in" in out
    assert (tmp_path / "r.csv").exists()


def test_a_list_a_pattern_and_maps(
    run_inspect: Inspect, part_folder: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(f"{part_folder}/monday/part_03.png\nnone.png\n")
    score = ("score", "--bundle", bundle_folder, "--maps", tmp_path / "maps")
    listed = run_inspect(*score, "--manifest", tmp_path / "list.txt", "--out", tmp_path / "a.jsonl")
    assert listed[0] == 5
    assert f"note: some files were unreadable; {tmp_path / 'a.unreadable.csv'} says" in listed[2]
    pattern = run_inspect(*score, part_folder / "**/*_1?.png", "--out", tmp_path / "b.jsonl")
    assert pattern[0] == 0
    texts = [(tmp_path / f"{name}.jsonl").read_text() for name in ("a", "b")]
    lines = "".join(texts).splitlines()
    names = [Path(json.loads(line)["path"]).name for line in lines]
    assert names == ["part_03.png", "none.png", "part_10.png", "part_11.png"]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [
        "0000000_part_03_pass.npz",
        "0000000_part_10_pass.npz",
        "0000001_part_11_fail.npz",
    ]


def test_names_tell_parts_and_each_is_judged_by_its_worst_image(
    run_inspect: Inspect, part_folder: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    score = ("score", part_folder / "monday", "--bundle", bundle_folder, "--provider", "cpu")
    pattern = ("--name-pattern", r"part_(?P<part_id>\d)[0-4]")
    code, out, err = run_inspect(*score, *pattern, "--out", tmp_path / "r.csv")
    assert code == 0
    assert "parts              1  by their worst image: 0 pass, 0 recheck, 1 fail" in out
    assert str(tmp_path / "r.parts.csv") in out.splitlines()
    assert "the names of 1 images say nothing of a part" in err
    with (tmp_path / "r.parts.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["part_id"], row["images"]) == ("0", "5")
    assert Path(row["worst_image"]).name == "part_02.png"
    code, _, err = run_inspect(
        *score, "--name-pattern", r"(?P<lot>\w+)", "--out", tmp_path / "s.csv"
    )
    assert code == 3
    assert "no group part_id" in err


def test_progress_tells_rate_and_remaining_time() -> None:
    assert progress_line(1200, 20_000, 0, 0.0) == "1,200 of 20,000 images"
    line = progress_line(2200, 20_000, 1000, 5.0)
    assert line == "2,200 of 20,000 images  200 images/s  1:29 left"
    assert progress_line(10, 100_010, 10, 1.0).endswith("10 images/s  2:46:40 left")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--overlays", "fail"],
        ["--overlays-dir", "o"],
        ["--batch-size", "-1"],
        ["--provider", "tpu"],
        ["--manifest", "list.txt"],
        ["--max-fail-rate", "5"],
        ["--engine", "ray", "--store", "sqlite:///a.db"],
        ["--engine", "ray", "--provider", "cuda"],
    ],
)
def test_wrong_usage_ends_with_code_2(
    run_inspect: Inspect, part_folder: Path, bundle_folder: Path, tmp_path: Path, wrong: list[str]
) -> None:
    code, out, err = run_inspect(
        "score", part_folder, "--bundle", bundle_folder, "--out", tmp_path / "r.csv", *wrong
    )
    assert (code, out) == (2, "")
    assert wrong[-2] in err or "--overlays" in err


def test_no_folder_at_all_is_wrong_usage(
    run_inspect: Inspect, bundle_folder: Path, tmp_path: Path
) -> None:
    code, _, err = run_inspect("score", "--bundle", bundle_folder, "--out", tmp_path / "r.csv")
    assert code == 2
    assert "give folders of images" in err
