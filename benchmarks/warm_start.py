"""Is a natural-image network better continued with SPAN, left as it is, or not used at all?

    python benchmarks/dinov2_weights.py --out WEIGHTS
    python benchmarks/warm_start.py --weights WEIGHTS [--only 'elpv.*'] [--list]
    python benchmarks/warm_start.py --report

Every network is a job (`warm_jobs.py`), on solar cells (the package elpv-dataset) or on chest
X-rays with masks (--data). A finished job leaves one JSON in the folder of results, to be
committed, and is not run again. It goes the way a user goes: pretrain, train, and export; what it
measures are images that took no part in pretraining or statistics.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from job_files import add_options, carry_out, matching, result_of, say, settle_results
from jsrt_split import read_split
from rows_of_json import without_paths, write_rows
from study_lines import cells_line, changed, xrays_line
from warm_jobs import ARMS, Job, jobs_of
from warm_start_page import page
from where_it_ran import where_it_ran

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings
from span_train.storage.run_folder import read_json

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "xray_jsrt"
RESULTS = ROOT / "docs" / "results" / "warm_start"
RUNS = ROOT / "runs" / "warm_start"
_SAVED = ("input", "model", "pretrain", "train")


@dataclass(frozen=True)
class Study:
    """Where everything lies; `steps` shortens every training, for a trial."""

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
        changes = {**job.arm.settings, "pretrain.seed": job.seed}
        if job.arm.warm:
            if self.weights is None:
                raise InputError(f"{job.name}: give --weights; benchmarks/dinov2_weights.py helps.")
            changes["model.weights"] = str(self.weights.resolve())
        return changed(self._line_of(job), changes, self.steps)

    def _line_of(self, job: Job) -> Path:
        if job.data == "elpv":
            return cells_line(self.runs / "elpv")
        return xrays_line(self.runs / "jsrt", self.data, read_split(development=False))


def run_job(job: Job, study: Study) -> None:
    """Pretrain, train, measure; then write the job's JSON.

    Raises:
        InputError: Settings, images or runs do not fit.
    """
    from warm_measures import measure  # torch; neither a list nor a report needs it

    from span_train.pretrain.run import pretrain

    settings, folder = study.settings_of(job), study.runs / job.name
    where, load = where_it_ran(), round(os.getloadavg()[0], 2)
    shutil.rmtree(folder, ignore_errors=True)
    began, began_cpu = time.perf_counter(), time.process_time()
    health = pretrain(settings, folder / "pretrain")
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    saved = settings.model_dump(mode="json")
    content = {
        "job": {"data": job.data, "arm": job.arm.name, "about": job.arm.about, "seed": job.seed},
        "where": where,
        "load_before": load,
        "settings": without_paths({key: saved[key] for key in _SAVED}),
        "start": read_json(folder / "pretrain" / "run.json")["start"],
        "steps": health["steps"],
        "minutes": round(seconds / 60, 2),
        "cpu_minutes": round(cpu_s / 60, 2),
        **measure(job, settings, folder, study.data),
    }
    write_rows(result_of(job, study.results), content)
    shutil.rmtree(folder)  # weights and caches; all that is told stands in the JSON


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weights", type=Path, help="made by benchmarks/dinov2_weights.py")
    parser.add_argument("--data", type=Path, default=DATA, help="images/ and masks/<part>/ of JSRT")
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
        say(f"warm_start: {problem}")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
