"""The study of label budgets: its jobs make sense, it measures what it says, its page is honest."""

import json
from pathlib import Path
from typing import Any

import budget_measures
import label_budget_study
import numpy as np
import pytest
import supervised_only
from budget_jobs import ARMS, LABELS, Job, jobs_of
from budget_scores import LineScores
from crossed_auroc import auroc_estimate
from label_budget_page import page
from label_budget_study import Study, main, run_job

from span_train.contract.errors import InputError
from span_train.contract.settings import read_settings

PARTS, GROUP = 24, 2  # every part has two images, and its worst one stands for it
WHERE = {
    "created": "2026-01-01T00:00:00+00:00",
    "git_commit": None,
    "versions": {"torch": "2"},
    "machine": {"system": "Linux", "cpus": 2, "processor": "one", "memory_gib": 8},
}


@pytest.fixture
def study(tmp_path: Path, drawn_line: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setattr(label_budget_study, "line_of", lambda name, folder, data: drawn_line)
    return Study(
        tmp_path / "vits14.safetensors", tmp_path, tmp_path / "runs", tmp_path / "results", 2
    )


def job_named(name: str) -> Job:
    return next(job for job in jobs_of(ARMS) if job.name == name)


def finished(job: Job, lift: float) -> dict[str, Any]:
    """What a job leaves; `lift` sets its defective parts apart."""
    random = np.random.default_rng([job.seed, len(job.arm.name)])
    defective = [number % 2 for number in range(PARTS) for _ in range(GROUP)]

    def drawn() -> list[float]:
        values = random.normal(size=len(defective)) + lift * np.array(defective)
        return [round(float(one), 3) for one in values]

    budgets = LABELS if job.arm.fit == "supervised" else (0, *LABELS)
    trained = job.arm.settings.get("pretrain.steps") != 1 and job.arm.fit == "head"
    return {
        "where": WHERE,
        "learnt_from": 100,
        "labels_to_draw": [90, 85],
        "images": [f"{number}.png" for number in range(len(defective))],
        "groups": [f"part {number}" for number in range(PARTS) for _ in range(GROUP)],
        "defective": defective,
        **({"steps": 400, "cpu_minutes": 6.0} if trained else {}),
        **({"last_loss": {"5": [0.01, 0.2]}} if job.arm.fit == "supervised" else {}),
        "z": {str(n): [drawn() for _ in range(job.arm.draws if n else 1)] for n in budgets},
    }


def test_names_are_unique_and_the_first_seed_of_every_arm_comes_first() -> None:
    names = [job.name for job in jobs_of(ARMS)]
    assert len(set(names)) == len(names)
    assert names[0] == "mono.span.0"
    last_first = max(place for place, name in enumerate(names) if name.endswith(".0"))
    assert all(name.endswith(".0") for name in names[:last_first])


def test_every_arm_has_settings_that_the_product_takes(study: Study) -> None:
    for job in jobs_of(ARMS):
        settings = study.settings_of(job)
        assert settings.pretrain.seed == job.seed
        assert (settings.model.weights is not None) == job.arm.warm
        if "prior" in job.arm.about or job.arm.name in {"without-span", "dino"}:
            assert settings.pretrain.prior_weight == 0
    spans = study.settings_of(job_named("mono.span.0"))
    untouched = read_settings(study_line(study))
    assert spans.train == untouched.train
    assert spans.layout == untouched.layout


def study_line(study: Study) -> Path:
    found: Path = label_budget_study.line_of("mono", study.runs, study.data)
    return found


def test_a_warm_arm_without_weights_tells_how_to_get_them(study: Study) -> None:
    bare = Study(None, study.data, study.runs, study.results)
    with pytest.raises(InputError, match=r"give --weights; benchmarks/dinov2_weights.py"):
        bare.settings_of(job_named("mono.dinov2.0"))


def test_a_job_scores_every_test_image_for_every_budget_and_draw(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_measures, "LABELS", (1, 2))
    monkeypatch.setattr(budget_measures, "DRAWS", 2)
    left = {}
    for name in ("mono.span.0", "mono.untrained.0"):
        run_job(job_named(name), study)
        left[name] = json.loads((study.results / f"{name}.json").read_text())
    span, untrained = left.values()
    assert [len(span["z"][budget]) for budget in ("0", "1", "2")] == [1, 2, 2]
    assert {len(z) for draws in span["z"].values() for z in draws} == {len(span["images"])}
    assert span["z"]["1"][0] != span["z"]["1"][1]  # another draw
    assert span["z"]["0"] != untrained["z"]["0"]  # another network
    assert (span["steps"], untrained["steps"]) == (2, 1)
    assert sum(span["defective"]) * 2 == len(span["images"])
    kept = (study.runs / "pretrained" / "mono.span.0" / "cost.json").stat().st_mtime_ns
    run_job(job_named("mono.span.0"), study)  # stopped after pretraining: that is not repeated
    assert (study.runs / "pretrained" / "mono.span.0" / "cost.json").stat().st_mtime_ns == kept


def test_the_best_block_is_chosen_by_training_images_on_the_same_network(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_measures, "LABELS", (2,))
    ranked = {1: 0.6, 2: 0.6, 3: 0.9, 4: 0.7}
    monkeypatch.setattr(budget_measures, "auroc", lambda z, truth: ranked.pop(min(ranked)))
    for name in ("mono.without-span.0", "mono.without-span-own-block.0"):
        run_job(job_named(name), study)
    left = [json.loads(file.read_text()) for file in sorted(study.results.glob("*.json"))]
    assert sorted(one["blocks"] for one in left) == [[1, 2], [3]]  # as the line says, and chosen
    assert left[0]["cpu_minutes"] == left[1]["cpu_minutes"]
    assert [run.name for run in (study.runs / "pretrained").iterdir()] == ["mono.without-span.0"]


def test_labels_alone_teach_the_network(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_measures, "LABELS", (2,))
    run_job(job_named("mono.supervised.0"), study)
    left = json.loads((study.results / "mono.supervised.0.json").read_text())
    assert list(left["z"]) == ["2"]
    assert len(left["z"]["2"][0]) == len(left["images"])
    assert left["supervised"]["steps"] == 2
    assert len(left["last_loss"]["2"]) == 2  # a loss a draw


def test_supervision_separates_what_is_plainly_different(drawn_line: Path) -> None:
    settings = read_settings(drawn_line)
    random = np.random.default_rng(0)
    side = settings.input.side_px
    squares = random.integers(60, 120, (16, side, side, 3), np.uint8)
    defective = np.arange(16) % 2 == 1
    squares[defective, side // 4 : -side // 4, side // 4 : -side // 4] = 250
    plan = supervised_only.Plan(steps=20, batch_size=8)
    model, loss = supervised_only.teach(settings, squares, defective, 0, plan)
    z = supervised_only.scores(model, squares)
    assert z[defective].min() > z[~defective].max()
    assert loss < 0.4
    again, _ = supervised_only.teach(settings, squares, defective, 0, plan)
    assert np.array_equal(supervised_only.scores(again, squares), z)


def test_the_page_tells_where_span_is_ahead_and_where_it_is_open() -> None:
    jobs = [job for job in jobs_of(ARMS) if job.line == "mono"]
    lift = {"span": 6.0, "without-span": 6.0, "dino": 0.0}
    done = {job.name: finished(job, lift.get(job.arm.name, 8.0)) for job in jobs}
    text = page(done, jobs_of(ARMS), "label_budget")
    assert f"{len(jobs)} of {len(jobs_of(ARMS))} jobs are finished" in text
    assert "- plain `dino`: ahead, the interval without 0, at 0, 5, 10, 20, 80" in text
    assert "- the same objective without SPAN: not shown either way at 0, 5, 10, 20, 80." in text
    assert "| from scratch, labels alone | – | " in text
    assert "12 good and 12 defective test parts (48 images)" in text
    assert "| SPAN: the product's defaults | 0 | 0.94 | 1.000 | reached |" in text
    assert "All cells" not in text
    worth = text[text.index("labels less no labels") : text.index("difference on the same")]
    assert "| untrained features | " in worth
    assert "from scratch" not in worth  # it says nothing without labels


def test_a_page_of_one_job_stands_as_well() -> None:
    job = job_named("all.untrained.0")
    text = page({job.name: finished(job, 1.0)}, jobs_of(ARMS), "label_budget")
    assert "SPAN is not yet compared with anything here." in text
    assert "Monocrystalline cells:" not in text


def test_jobs_of_other_test_images_are_not_compared() -> None:
    jobs = [job_named("mono.span.0"), job_named("mono.dino.0")]
    done = {job.name: finished(job, 1.0) for job in jobs}
    done["mono.dino.0"]["images"][0] = "another.png"
    with pytest.raises(ValueError, match="different test images"):
        LineScores("mono", done, jobs)


def test_a_difference_takes_the_seeds_that_both_have() -> None:
    jobs = [job_named(f"mono.{name}") for name in ("span.0", "span.1", "dino.1", "supervised.0")]
    done = {job.name: finished(job, 1.0 + job.seed) for job in jobs}
    line = LineScores("mono", done, jobs)
    span, dino, supervised = line.arms
    alone = LineScores("mono", done, [jobs[1], jobs[2]])
    assert line.gain(span, dino, 5) == alone.gain(span, dino, 5)
    beside_one = line.gain(span, supervised, 5)
    assert beside_one is not None
    own, others = (
        auroc_estimate(line.scores(arm, 5)[:, :2], line.defective_p).value
        for arm in (span, supervised)
    )
    assert beside_one.value == pytest.approx(own - others)
    assert line.gain(span, supervised, 0) is None


def test_the_report_is_written_beside_the_results(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_named("mono.span.0")
    asked = ["--results", str(study.results), "--runs", str(study.runs)]
    assert main([*asked, "--report"]) == 3
    assert "no job is finished" in capsys.readouterr().err
    study.results.mkdir(parents=True)
    (study.results / f"{job.name}.json").write_text(json.dumps(finished(job, 1.0)))
    assert main([*asked, "--report"]) == 0
    assert study.results.with_suffix(".md").read_text().startswith("# What few labels are worth")
    assert main([*asked, "--list"]) == 0
    assert "done     mono.span.0" in capsys.readouterr().out


def test_a_trial_may_not_write_over_the_results() -> None:
    with pytest.raises(SystemExit):
        main(["--steps", "2"])
