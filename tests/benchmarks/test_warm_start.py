"""The comparison of warm starts: its jobs make sense, it can go on, its page is honest."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import matching, result_of
from rows_of_json import without_paths
from warm_jobs import ARMS, Job, jobs_of
from warm_start import Study, main
from warm_start_page import page

from span_train.contract.errors import InputError

IMAGES = 8


@pytest.fixture
def study(tmp_path: Path) -> Study:
    weights = tmp_path / "weights.safetensors"
    return Study(weights, tmp_path / "data", tmp_path / "runs", tmp_path / "results" / "warm", 3)


def finished(job: Job, lift: float = 0.0) -> dict[str, Any]:
    """What a job leaves; `lift` makes its network better."""
    truth = [0, 1] * (IMAGES // 2)
    random = np.random.default_rng(job.seed)
    outlier = [round(float(random.normal() + lift * one), 4) for one in truth]
    rows = {part: [round(0.3 + lift / 10, 3)] * IMAGES for part in ("heart", "lung")}
    kind = "assigned" if "frozen" not in job.arm.name else "best"
    parts = {"map": 0.3 + lift / 10} if job.data == "elpv" else {}
    parts |= {place: {"best": rows, kind: rows} for place in ("in_place", "moved")}
    where = {
        "created": "2026-01-01T00:00:00+00:00",
        "git_commit": None,
        "versions": {"torch": "2"},
        "machine": {"system": "Linux", "cpus": 2, "processor": "one", "memory_gib": 8},
    }
    defects = {"auroc": 0.9, "auroc_20_labels": 0.91, "outlier": outlier, "truth": truth}
    timed = {"milliseconds": {"median": 12.0, "threads": 2}} if job.seed == 0 else {}
    steps = 1 if "frozen" in job.arm.name else 200
    cost = {"steps": steps, "minutes": 3.0, "cpu_minutes": 2.5}
    return {"where": where, **cost, "parts": parts, "defects": defects, **timed}


def test_names_are_unique_and_the_main_comparison_comes_first() -> None:
    jobs = jobs_of(ARMS)
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names)
    assert names[:2] == ["elpv.frozen-112.0", "jsrt.frozen-112.0"]
    last_main = max(place for place, job in enumerate(jobs) if len(job.arm.data) > 1)
    assert all(len(job.arm.data) == 1 for job in jobs[last_main + 1 :])
    assert [job.name for job in matching(jobs, ["jsrt.frozen*"])] == [
        "jsrt.frozen-112.0",
        "jsrt.frozen-224.0",
    ]


def test_every_arm_has_settings_that_the_product_takes(
    study: Study, drawn_line: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Study, "_line_of", lambda *_: drawn_line)
    for job in jobs_of(ARMS):
        settings = study.settings_of(job)
        assert settings.pretrain.seed == job.seed
        assert settings.pretrain.steps <= 3
        assert (settings.model.weights is not None) == job.arm.warm
        if job.arm.name.startswith("continued"):
            assert settings.pretrain.objective == "steady"
        if job.arm.name.startswith("frozen"):
            assert settings.pretrain.steps == 1
            assert settings.pretrain.learning_rate < 1e-9


def test_a_warm_arm_without_weights_tells_how_to_get_them(study: Study) -> None:
    bare = Study(None, study.data, study.runs, study.results)
    job = next(job for job in jobs_of(ARMS) if job.arm.warm)
    with pytest.raises(InputError, match=r"give --weights; benchmarks/dinov2_weights.py"):
        bare.settings_of(job)


def test_the_page_tells_gains_over_the_frozen_network_with_intervals() -> None:
    jobs = jobs_of(ARMS)
    done = {job.name: finished(job, 3.0 if "continued" in job.arm.name else 0.0) for job in jobs}
    text = page(done, jobs, "warm_start")
    assert f"{len(jobs)} of {len(jobs)} jobs are finished" in text
    assert "| DINOv2 as it comes, 112 px | 1 | 0.900 | 0.910 | 0.300 | – | – | 0 | 12 |" in text
    assert "| 3 | 0.900 (0.900 to 0.900) | 0.910 (0.910 to 0.910) | 0.600" in text
    assert (
        "- 112 px, head mAP on X-rays in place: +0.300 [+0.300, +0.300], mean of 3 seeds." in text
    )
    assert "- 224 px, AUROC of the outlier score: +0." in text
    assert "continued, prior weight 0" in text


def test_the_page_of_a_single_job_stands_as_well() -> None:
    jobs = jobs_of(ARMS)
    text = page({jobs[0].name: finished(jobs[0])}, jobs, "warm_start")
    assert "No pair is finished yet." in text
    assert "No job is finished yet." in text
    assert "### Controls" not in text


def test_the_report_is_written_beside_the_results(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    job = jobs_of(ARMS)[0]
    asked = ["--results", str(study.results), "--runs", str(study.runs)]
    assert main([*asked, "--report"]) == 3
    assert "no job is finished" in capsys.readouterr().err
    study.results.mkdir(parents=True)
    result_of(job, study.results).write_text(json.dumps(finished(job)))
    assert main([*asked, "--report"]) == 0
    assert study.results.with_suffix(".md").read_text().startswith("# A natural-image network")
    assert main([*asked, "--only", "nothing*"]) == 3
    assert "no job has such a name" in capsys.readouterr().err
    assert main([*asked, "--list"]) == 0
    assert "done     elpv.frozen-112.0" in capsys.readouterr().out


def test_results_hold_no_paths_of_the_machine() -> None:
    found = without_paths({"weights": "/home/x/own.safetensors", "pretrain": {"cache": "/y/z"}})
    assert found == {"weights": "own.safetensors", "pretrain": {"cache": "z"}}


def test_a_trial_may_not_write_over_the_results() -> None:
    with pytest.raises(SystemExit):
        main(["--steps", "2"])
