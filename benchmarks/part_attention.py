"""The study of part attention: do heads find the parts, also where these have moved?

    python benchmarks/part_attention.py --list
    python benchmarks/part_attention.py [--only 'control-*'] [--dev]
    python benchmarks/part_attention.py --report [--dev]

Every training is a job (`part_jobs.py`), on chest X-rays with masks (--data). A finished job leaves
one JSON in the folder of results, to be committed, and is not run again. One that was killed goes
on from its last checkpoint below --runs; several runners may work side by side. With --dev the
development images are measured and the test images take no part: settings are searched that way.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from job_files import add_options, carry_out, result_of, say, settle_results
from jsrt_split import Split, check_data, folder_of, read_split
from part_attention_page import page
from part_jobs import ARMS, Job, jobs_of, matching
from rows_of_json import without_paths, write_rows
from where_it_ran import where_it_ran

from span_train.contract.errors import InputError, InspectionError, RunError
from span_train.contract.settings import LineSettings, settings_from_dict

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "xray_jsrt"
RESULTS = ROOT / "docs" / "results" / "part_attention"
RUNS = ROOT / "runs" / "part_attention"
_SAVED = ("layout", "input", "model", "pretrain")


@dataclass(frozen=True)
class Study:
    """Where everything lies, and which images are measured."""

    data: Path
    runs: Path
    results: Path
    split: Split
    steps: int | None = None

    def settings_of(self, job: Job) -> LineSettings:
        """The line of a job: the product's defaults, the exemplar, and what the arm changes.

        Raises:
            SettingsError: The product knows no such setting, or refuses its value.
        """
        images = folder_of(
            self.split.learnt_from, self.data, self.runs / f"learn-{self.split.role}"
        )
        raw: dict[str, Any] = {
            "name": "xray-jsrt",
            "images": [str(images.resolve())],
            "layout": {
                "source": "exemplar",
                "exemplar": str((self.data / "images" / f"{job.exemplar}.png").resolve()),
                "masks": str((self.data / "masks").resolve()),
            },
            "pretrain": {"seed": job.seed, "cache": str((self.runs / "cache").resolve())},
        }
        steps = self.steps if self.steps is not None else job.arm.steps
        changes = {**job.arm.settings, **({} if steps is None else {"pretrain.steps": steps})}
        for dotted, value in changes.items():
            *sections, key = dotted.split(".")
            place = raw
            for section in sections:
                place = place.setdefault(section, {})
            place[key] = value
        return settings_from_dict(raw, ROOT, job.name)


def run_job(job: Job, study: Study) -> None:
    """Train and measure, then write the job's JSON.

    Raises:
        InputError: Settings, images or an unfinished run do not fit.
    """
    load, where = round(os.getloadavg()[0], 2), where_it_ran()
    settings = study.settings_of(job)
    trains = job.arm.predictor == "heads"
    found = (_training if trains else _drawing)(job, settings, study)
    content = {
        "job": job.described(),
        "where": where,
        "load_before": load,
        "learnt_from": len(study.split.learnt_from),
        "measured_on": study.split.role,
        "images": sorted(study.split.measured_on),
        **found,
    }
    write_rows(result_of(job, study.results), content)


def _training(job: Job, settings: LineSettings, study: Study) -> dict[str, Any]:
    from altered_priors import altered  # torch; neither a list nor a report needs it
    from part_measures import measure_network

    from span_train.pretrain.journal import read_metrics
    from span_train.pretrain.run import pretrain
    from span_train.pretrained import load_pretrained

    run = study.runs / study.split.role / job.name
    resume = (run / "run.json").is_file()
    if not resume and run.exists():
        shutil.rmtree(run)  # it was stopped before its first step
    minutes = job.arm.minutes if study.steps is None and not resume else None
    began = time.process_time()
    budget_s = None if minutes is None else 60 * minutes
    try:
        with altered(job.arm.prior, job.seed):
            health = pretrain(settings, run, resume=resume, budget_s=budget_s)
    except RunError as problem:
        raise RunError(f"{job.name}: {problem}\n  To begin it again, remove {run}.") from None
    cpu_s = time.process_time() - began
    pretrained = load_pretrained(run)
    saved = pretrained.settings.model_dump(mode="json")
    return {
        "settings": without_paths({key: saved[key] for key in _SAVED}),
        "steps": health["steps"],
        "minutes": round(sum(report.step_s for report in read_metrics(run)) / 60, 2),
        "cpu_minutes": None if resume else round(cpu_s / 60, 2),
        "health": health,
        **measure_network(pretrained, study.split, study.data, study.runs),
    }


def _drawing(job: Job, settings: LineSettings, study: Study) -> dict[str, Any]:
    from part_measures import measure_drawing

    from span_train.data.line_layout import make_layout

    layout = make_layout(settings, None)
    predictor = job.arm.predictor
    return measure_drawing(predictor, settings, layout, study.split, study.data, study.runs)


def check(jobs: Sequence[Job], study: Study) -> None:
    """Find what is wrong now, and not after hours.

    Raises:
        InputError: The data are incomplete, or a job's settings do not fit.
    """
    check_data(study.data, study.split)
    for job in jobs:
        study.settings_of(job)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="images/ and masks/<part>/ of JSRT")
    parser.add_argument("--dev", action="store_true", help="measure the development images")
    add_options(parser, RUNS)
    asked = parser.parse_args(arguments)
    return settle_results(parser, asked, RESULTS / "development" if asked.dev else RESULTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; returns the exit code."""
    asked = _arguments(arguments)
    try:
        split = read_split(asked.dev)
        study = Study(asked.data, asked.runs.absolute(), asked.results, split, asked.steps)
        every = jobs_of(ARMS, split.exemplars)
        jobs = matching(every, asked.only)
        if not jobs:
            raise InputError(f"--only {' '.join(asked.only)}: no job has such a name; see --list.")
        if not (asked.list or asked.report):
            check(jobs, study)
        carry_out(
            asked,
            jobs,
            study.runs / split.role,
            lambda job: run_job(job, study),
            partial(page, command=_command(asked)),
        )
    except InspectionError as problem:
        say(f"part_attention: {problem}")
        return problem.exit_code
    return 0


def _command(asked: argparse.Namespace) -> str:
    return "python benchmarks/part_attention.py" + (" --dev" if asked.dev else "")


if __name__ == "__main__":
    sys.exit(main())
