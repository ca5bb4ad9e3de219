"""How good does a line's score get with few labels, and what is it that makes it so?

    python benchmarks/dinov2_weights.py --out WEIGHTS
    python benchmarks/label_budget_study.py --weights WEIGHTS [--only 'mono.*'] [--list]
    python benchmarks/label_budget_study.py --report

Every way to come to a score is a job (`budget_jobs.py`), on solar cells (the package elpv-dataset),
castings and metal nuts (--data): pretrain, take statistics from the unlabelled images, weigh the
head on 5, 10, 20 and 80 labels a class, drawn five times, and score test images that took no part
in any of it. All jobs of a line draw the same labels. A finished job leaves one JSON in the folder
of results, to be committed, and is not run again.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budget_jobs import ARMS, Job, jobs_of
from budget_lines import line_of
from job_files import add_options, carry_out, matching, result_of, say, settle_results
from label_budget_page import page
from rows_of_json import without_paths, write_rows
from study_lines import changed
from where_it_ran import where_it_ran

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings
from span_train.data.splits import LineImages, gather_images
from span_train.storage.run_folder import read_json

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "docs" / "results" / "label_budget"
RUNS = ROOT / "runs" / "label_budget"
_SAVED = ("input", "model", "pretrain", "train")


@dataclass(frozen=True)
class Study:
    """Where everything lies; `steps` shortens every pretraining, for a trial."""

    weights: Path | None
    data: Path
    runs: Path
    results: Path
    steps: int | None = None

    def settings_of(self, job: Job) -> LineSettings:
        """The line of a job.

        Raises:
            InputError: It needs weights and none were given, or data are missing.
        """
        changes = {
            "pretrain.seed": job.seed,
            "pretrain.cache": str(self.runs / "cache"),
            **job.arm.settings,
        }
        if job.arm.warm:
            if self.weights is None:
                raise InputError(f"{job.name}: give --weights; benchmarks/dinov2_weights.py helps.")
            changes["model.weights"] = str(self.weights.resolve())
        line = line_of(job.line, self.runs / "lines", self.data)
        return changed(line, changes, self.steps)


def run_job(job: Job, study: Study) -> None:
    """Pretrain if the arm does, score the test images, write the job's JSON.

    Raises:
        InputError: Settings, images or runs do not fit.
    """
    from budget_measures import truth_of  # torch; neither a list nor a report needs it

    where, load = where_it_ran(), round(os.getloadavg()[0], 2)
    settings = study.settings_of(job)
    images = gather_images(settings)
    found = (_supervised if job.arm.fit == "supervised" else _by_head)(job, settings, images, study)
    saved = settings.model_dump(mode="json")
    drawn_from = truth_of(images.train, settings)
    content = {
        "job": {"line": job.line, "arm": job.arm.name, "about": job.about, "seed": job.seed},
        "where": where,
        "load_before": load,
        "settings": without_paths({key: saved[key] for key in _SAVED}),
        "learnt_from": len(images.unlabelled),
        "labels_to_draw": [int((~drawn_from).sum()), int(drawn_from.sum())],
        "images": [image.path.name for image in images.test],
        "groups": [image.group for image in images.test],
        "defective": [int(one) for one in truth_of(images.test, settings)],
        **found,
    }
    write_rows(result_of(job, study.results), content)


def _supervised(
    job: Job, settings: LineSettings, images: LineImages, study: Study
) -> dict[str, Any]:
    from budget_measures import measure_supervised
    from supervised_only import Plan

    plan = Plan() if study.steps is None else Plan(steps=study.steps)
    return measure_supervised(settings, images, plan, job.arm.draws, study.runs / "cache")


def _by_head(job: Job, settings: LineSettings, images: LineImages, study: Study) -> dict[str, Any]:
    from budget_measures import at_best_block, measure_head

    from span_train.pretrained import load_pretrained

    cost = _pretrained(job, settings, study)
    pretrained, cache = load_pretrained(_run(job, study)), study.runs / "cache"
    if job.arm.own_block:
        settings = at_best_block(settings, pretrained, images, cache)
    return {**cost, **measure_head(settings, pretrained, images, cache)}


def _run(job: Job, study: Study) -> Path:
    return study.runs / "pretrained" / job.network


def _pretrained(job: Job, settings: LineSettings, study: Study) -> dict[str, Any]:
    """Pretrain, or take the run that another job left; what it cost."""
    from span_train.pretrain.run import pretrain

    run, cost = _run(job, study), _run(job, study) / "cost.json"
    if not cost.is_file():
        shutil.rmtree(run, ignore_errors=True)
        began, began_cpu = time.perf_counter(), time.process_time()
        health = pretrain(settings, run)
        told = {
            "steps": health["steps"],
            "minutes": round((time.perf_counter() - began) / 60, 2),
            "cpu_minutes": round((time.process_time() - began_cpu) / 60, 2),
        }
        write_rows(cost, told)
    found: dict[str, Any] = read_json(cost)
    return found


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weights", type=Path, help="made by benchmarks/dinov2_weights.py")
    parser.add_argument("--data", type=Path, default=DATA, help="holds casting and metal_nut")
    add_options(parser, RUNS)
    return settle_results(parser, parser.parse_args(arguments), RESULTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; returns the exit code."""
    asked = _arguments(arguments)
    study = Study(asked.weights, asked.data, asked.runs.absolute(), asked.results, asked.steps)
    try:
        jobs = matching(jobs_of(ARMS), asked.only)
        carry_out(asked, jobs, study.runs / "claims", lambda job: run_job(job, study), page)
    except InspectionError as problem:
        say(f"label_budget_study: {problem}")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
