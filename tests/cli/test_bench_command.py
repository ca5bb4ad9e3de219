import json
from collections.abc import Callable
from pathlib import Path

import pytest

Inspect = Callable[..., tuple[int, str, str]]
QUICK = ("--provider", "cpu", "--threads", 1, "--rounds", 1, "--seconds", 0)


def test_a_table_is_printed_and_the_same_is_written_as_json(
    run_inspect: Inspect, bundle_folder: Path, part_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "bench.json"
    code, told, err = run_inspect(
        "bench", "--bundle", bundle_folder, "--images", part_folder, "--batch", "3", *QUICK,
        "--out", out,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "12 images of 64x48 px in turn" in told
    assert "graph on cpu, batch 3" in told
    report = json.loads(out.read_text())
    assert [(one["provider"], one["batch"]) for one in report["graph"]] == [("cpu", 3)]
    assert report["whole"][0]["cold_start"]["total_s"] > 0


@pytest.mark.parametrize(
    ("option", "value"),
    [("--batch", "1,x"), ("--batch", "0"), ("--batch", ""), ("--batch", "5000"),
     ("--provider", "gpu"), ("--provider", "cpu,"), ("--rounds", "0")],
)  # fmt: skip
def test_a_wrong_option_is_a_usage_error(
    run_inspect: Inspect, bundle_folder: Path, option: str, value: str
) -> None:
    code, told, err = run_inspect("bench", "--bundle", bundle_folder, option, value)
    assert (code, told) == (2, "")
    assert option in err


def test_cuda_that_is_not_there_is_said(
    run_inspect: Inspect, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    code, _, err = run_inspect("bench", "--bundle", bundle_folder, "--provider", "cpu,cuda")
    assert code == 3
    assert "CUDA was asked for" in err
