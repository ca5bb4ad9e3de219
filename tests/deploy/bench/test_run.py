import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deploy.bench import fresh_process, run
from deploy.bench.fresh_process import Asked, FreshStart, fresh_start, median_start
from deploy.bench.machine import in_words, where_it_ran
from deploy.bench.run import BenchPlan, BenchReport, run_bench
from deploy.bench.table import as_lines
from span_train.contract.errors import InputError

_QUICK = BenchPlan(("cpu", "auto"), (2, 1), threads=1, rounds=2, seconds=0.01, starts=2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What fresh processes are asked; none is started."""
    noted: list[Asked] = []

    def start(one: Asked) -> FreshStart:
        noted.append(one)
        return FreshStart(0.5, 0.2, 0.1, 1.0 + len(noted), 100.0 * one.batch)

    monkeypatch.setattr(run, "fresh_start", start)
    return noted


@pytest.fixture
def report(asked: list[Asked], bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> BenchReport:
    monkeypatch.setattr("deploy.runtime.session._has_nvidia_driver", lambda: False)
    return run_bench(bundle_folder, plan=_QUICK)


def test_every_stage_batch_size_and_provider_is_measured(
    report: BenchReport, asked: list[Asked]
) -> None:
    assert [(one.provider, one.batch) for one in report.graph] == [("cpu", 2), ("cpu", 1)]
    assert [one.provider for one in report.whole] == ["cpu"]
    everything = [report.decode, report.fit, report.decode_and_fit, report.whole[0].one_by_one]
    for timing in (*everything, *(one.timing for one in report.graph)):
        assert timing.calls >= 6
        assert 0 < timing.slowest_round <= timing.images_per_s <= timing.fastest_round
        assert timing.p50_ms > 0
    assert (report.images, report.image_px) == (4, (64, 48))
    assert [(one.batch, one.threads) for one in asked] == [(2, 1), (2, 1), (1, 1)]
    assert [one.peak_mib for one in report.graph] == [200.0, 100.0]
    assert report.whole[0].cold_start.total_s == 2.5


def test_the_report_is_json_that_says_where_it_was_made(
    report: BenchReport, bundle_folder: Path
) -> None:
    shown = json.loads(json.dumps(asdict(report), allow_nan=False))
    assert shown["bundle"]["name"] == "pump-v4"
    assert shown["where"]["machine"]["cpus"] >= 1
    assert "onnxruntime-gpu" in shown["where"]["versions"] or sys.platform != "linux"
    assert str(bundle_folder.parent) not in json.dumps(shown)


def test_the_table_has_a_row_for_each(report: BenchReport) -> None:
    text = "\n".join(as_lines(report))
    for row in (
        "pump-v4 (",
        "), float32, 32 px, ",
        "4 images of 64x48 px in turn",
        "decode a file",
        "fit it",
        "decode and fit, ",
        "graph on cpu, batch 2",
        "graph on cpu, batch 1",
        "file to verdict on cpu",
        "cold start on cpu: 2.50 s",
        "median of 2",
        "peak memory on cpu, batch 2: 200 MiB",
    ):
        assert row in text


def test_the_table_says_where_there_were_too_few_calls(report: BenchReport) -> None:
    timing = replace(report.graph[0].timing, p95_ms=None, p99_ms=None)
    few = replace(report, graph=(replace(report.graph[0], timing=timing),), load_before=9.0)
    text = "\n".join(as_lines(few))
    assert "note: other programs were running" in text
    assert "note: - stands where there were too few calls" in text


@pytest.mark.usefixtures("asked")
def test_images_of_the_line_take_the_place_of_examples_and_bad_ones_are_left_out(
    bundle_folder: Path, part_folder: Path, tmp_path: Path
) -> None:
    plan = BenchPlan(("cpu",), (1,), threads=1, rounds=1, seconds=0.0, starts=1)
    assert run_bench(bundle_folder, part_folder, plan).images == 12
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(InputError, match="holds no readable image"):
        run_bench(bundle_folder, tmp_path, plan)
    with pytest.raises(InputError, match="does not exist"):
        run_bench(bundle_folder, tmp_path / "none", plan)


def test_a_fresh_process_tells_its_times_and_its_own_peak(bundle_folder: Path) -> None:
    image = sorted((bundle_folder / "examples").glob("*.png"))[0]
    held = bytearray(300 << 20)  # the peak of this process must not be taken for that one's
    start = fresh_start(Asked(str(bundle_folder), str(image), "cpu", 1, 4))
    assert 0 < start.import_s + start.open_s + start.first_image_s < start.total_s
    assert start.peak_mib is None or 40 < start.peak_mib < len(held) >> 20


def test_a_fresh_process_that_fails_is_no_result(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="a fresh process ended with code 1"):
        fresh_start(Asked(str(tmp_path), "a.png", "cpu", 1, 4))
    assert "BundleError" in capfd.readouterr().err


def test_several_starts_are_brought_to_their_median_and_highest_peak() -> None:
    starts = [
        FreshStart(1, 2, 3, 7, 50.0),
        FreshStart(2, 3, 4, 9, 70.0),
        FreshStart(9, 9, 9, 30, 60),
    ]
    assert median_start(starts) == FreshStart(2, 3, 4, 9, 70.0)
    assert median_start([FreshStart(1, 2, 3, 7, None)]).peak_mib is None


def test_the_peak_is_not_told_where_the_system_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_file(*_arguments: object, **_options: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", no_such_file)
    assert fresh_process._peak_mib() is None


def test_the_machine_is_told_in_five_lines() -> None:
    where = where_it_ran()
    lines = in_words(where)
    assert len(lines) == 5
    assert lines[0].startswith(where["machine"]["processor"])
    assert f"numpy {where['versions']['numpy']}" in lines[2]
