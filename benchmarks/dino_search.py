"""Which settings of self-distillation learn from small sets of near-identical parts?

    python benchmarks/dino_search.py [--only 'casting.*'] [--list]
    python benchmarks/dino_search.py --report

Small trainings with the layout's prior, on chest X-rays (--data; development split), solar cells
(the package elpv-dataset; those without a label) and pump impellers; none sees a test image. A job
(`dino_jobs.py`) leaves one JSON in the folder of results, and is not run again.
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

from dino_jobs import Job, jobs_of
from dino_page import page
from job_files import add_options, carry_out, matching, result_of, say, settle_results
from jsrt_split import read_split
from rows_of_json import write_rows
from study_lines import cells_line, changed, written_line, xrays_line
from where_it_ran import where_it_ran

from span_train.contract.errors import InspectionError
from span_train.contract.settings import LineSettings

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "docs" / "results" / "dino"
RUNS = ROOT / "runs" / "dino"


@dataclass(frozen=True)
class Search:
    """Where everything lies; `steps` shortens every training, for a trial."""

    data: Path
    runs: Path
    results: Path
    steps: int | None = None

    def settings_of(self, job: Job) -> LineSettings:
        """The line of a job.

        Raises:
            InputError: A setting does not fit, or data are missing.
        """
        return changed(self._line_of(job), job.settings(), self.steps)

    def _line_of(self, job: Job) -> Path:
        folder = self.runs / job.data
        if job.data == "elpv":
            return cells_line(folder)
        if job.data == "jsrt":
            return xrays_line(folder, self.data / "xray_jsrt", read_split(development=True))
        return written_line(folder, self.data / "casting" / "train", {"source": "statistics"})


def run_job(job: Job, search: Search) -> None:
    """Train and measure, then write the job's JSON.

    Raises:
        InputError: Settings or images do not fit.
    """
    from dino_measures import measure  # torch; neither a list nor a report needs it

    from span_train.pretrain.run import pretrain

    settings, folder = search.settings_of(job), search.runs / "runs" / job.name
    where, load = where_it_ran(), round(os.getloadavg()[0], 2)
    shutil.rmtree(folder, ignore_errors=True)
    began, began_cpu = time.perf_counter(), time.process_time()
    health = pretrain(settings, folder)
    spent: dict[str, Any] = {
        "minutes": round((time.perf_counter() - began) / 60, 2),
        "cpu_minutes": round((time.process_time() - began_cpu) / 60, 2),
    }
    content = {
        "job": job.described(),
        "where": where,
        "load_before": load,
        **spent,
        "health": health,
        **measure(job, settings, folder, search.data),
    }
    write_rows(result_of(job, search.results), content)
    shutil.rmtree(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the search; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="xray_jsrt/ and casting/")
    add_options(parser, RUNS)
    asked = settle_results(parser, parser.parse_args(arguments), RESULTS)
    search = Search(asked.data, asked.runs.absolute(), asked.results, asked.steps)
    try:
        jobs = matching(jobs_of(), asked.only)
        carry_out(asked, jobs, search.runs / "claims", lambda job: run_job(job, search), page)
    except InspectionError as problem:
        say(f"dino_search: {problem}")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
