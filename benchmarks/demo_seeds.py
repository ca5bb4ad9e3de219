"""Run the demo for several seeds, each beside the same line without SPAN, and write a page.

    python benchmarks/demo_seeds.py --out DIR [--seeds 0 1 2] [--quick] [--write PAGE.md]

Every step is a job. A finished job leaves one JSON in DIR/jobs, and is not run again: killed and
started again, the runner goes on with the first job that is missing. The commands run as a user
would run them, each in a process of its own, so that times are honest. With --write the page is
made from the JSON, and they are copied into a folder beside it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_page import page
from where_it_ran import where_it_ran

from span_train.storage.run_folder import read_json, write_json

PROGRAM = Path(sys.executable).with_name("inspect")
_STARTS = 5
_OF_TRAINING = ("fit", "counts", "statistics", "policy")


@dataclass(frozen=True)
class Job:
    """One step of the study.

    Attributes:
        name: Of its JSON; jobs of one seed start alike and build on each other.
        makes: The folder it leaves, which is removed where the job was killed.
        run: Does the work in the study's folder and tells its result.
    """

    name: str
    makes: str | None
    run: Callable[[Path], dict[str, Any]]

    @property
    def seed(self) -> str:
        """The seed's folder, or the job's own name where it belongs to none."""
        return self.name.split(".")[0]


def jobs_of(seeds: Sequence[int], quick: bool) -> list[Job]:
    """Every job, in order."""
    jobs = [Job("start", None, _start_times)]
    for seed in seeds:
        jobs += _jobs_of_seed(seed, quick)
    return jobs


def run_jobs(jobs: Sequence[Job], out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Run what is missing; returns the content of every job's JSON, by name."""
    folder = out / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {}
    for number, job in enumerate(jobs, 1):
        file = folder / f"{job.name}.json"
        kept = file.is_file()
        say(f"[{number}/{len(jobs)}] {job.name}" + (": there already" if kept else ""))
        if not kept:
            later = [one for one in jobs[number:] if one.seed == job.seed]
            _run_job(job, later, out, say)
        done[job.name] = read_json(file)
    return done


def write_page(done: dict[str, Any], jobs: Sequence[Job], target: Path, command: str) -> None:
    """Write the page, and the JSON of all jobs into a folder of the same name beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix("")
    beside.mkdir(exist_ok=True)
    for job in jobs:
        write_json(beside / f"{job.name}.json", done[job.name])
    target.write_text(page(done, command, beside.name), encoding="utf-8")


def _run_job(job: Job, later: Sequence[Job], out: Path, say: Callable[[str], None]) -> None:
    folder = out / "jobs"
    started = folder / f"{job.name}.started"
    if job.makes is not None and (out / job.makes).exists():
        if not started.exists():
            sys.exit(f"demo_seeds: {out / job.makes} was not made here; choose another --out.")
        say(f"  {job.makes}: was not finished; it is made again")
        shutil.rmtree(out / job.makes)
    for stale in later:  # they were made from what is now made again
        (folder / f"{stale.name}.json").unlink(missing_ok=True)
        (folder / f"{stale.name}.started").touch()
    started.touch()
    load, began = round(os.getloadavg()[0], 2), time.perf_counter()
    result = job.run(out)
    wall_s = round(time.perf_counter() - began, 1)
    finished = {"where": where_it_ran(), "load_before": load, "wall_s": wall_s, "result": result}
    write_json(folder / f"{job.name}.json", finished)
    started.unlink()
    say(f"  {wall_s:.0f} s")


def _jobs_of_seed(seed: int, quick: bool) -> list[Job]:
    at, line = f"seed-{seed}", f"seed-{seed}/line/line.yaml"
    number = ["--seed", str(seed)]
    drawn = ["--quick"] if quick else []
    plain, trained, measured = f"{at}/baseline", f"{at}/baseline-train", f"{at}/baseline-evaluation"
    pretraining = ["pretrain", line, "--baseline", *number, "--out", plain]
    training = ["train", line, "--backbone", plain, *number, "--out", trained]
    evaluating = ["evaluate", line, "--run", trained, "--out", measured]

    def demo(out: Path) -> dict[str, Any]:
        told = _inspect(["demo", *drawn, "--out", at, *number], out)
        return told | {"parity": read_json(out / at / "bundle" / "parity.json")}

    def train(out: Path) -> dict[str, Any]:
        told = _inspect(training, out)
        return told | {"said": {key: told["said"][key] for key in _OF_TRAINING}}

    return [
        Job(f"{at}.demo", at, demo),
        Job(f"{at}.baseline-pretrain", plain, lambda out: _inspect(pretraining, out)),
        Job(f"{at}.baseline-train", trained, train),
        Job(f"{at}.baseline-evaluate", measured, lambda out: _inspect(evaluating, out)),
        Job(f"{at}.attention", None, lambda out: _measure("part_attention", out / at)),
        Job(f"{at}.scores", None, lambda out: _measure("paired_scores", out / at)),
    ]


def _measure(name: str, demo: Path) -> dict[str, Any]:
    import demo_measures  # torch; not needed to write a page

    found: dict[str, Any] = getattr(demo_measures, name)(demo)
    return found


def _inspect(words: Sequence[str], out: Path) -> dict[str, Any]:
    """Run a command in the study's folder: the command as text, and the JSON it printed."""
    command = [*words, "--json"]
    done = subprocess.run(
        [str(PROGRAM), *command],
        cwd=out,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"demo_seeds: `inspect {' '.join(command)}` ended with code {done.returncode}.")
    return {"command": f"inspect {' '.join(command)}", "said": json.loads(done.stdout)}


def _environment() -> dict[str, str]:
    """A store named there would get what belongs into the demo's own."""
    return {name: value for name, value in os.environ.items() if name != "INSPECT_STORE_URL"}


def _start_times(out: Path) -> dict[str, Any]:
    """How long `inspect --help` takes, after one start that warms the disk."""
    seconds = []
    for _ in range(_STARTS + 1):
        began = time.perf_counter()
        subprocess.run([str(PROGRAM), "--help"], cwd=out, stdout=subprocess.DEVNULL, check=True)
        seconds.append(round(time.perf_counter() - began, 3))
    return {"seconds": seconds[1:], "median_s": statistics.median(seconds[1:])}


def _command(asked: argparse.Namespace) -> str:
    """What repeats this study, without any path of this machine."""
    page = asked.write.name if asked.write.is_absolute() else asked.write.as_posix()
    words = ["python benchmarks/demo_seeds.py --out DIR --seeds", *map(str, asked.seeds)]
    return " ".join([*words, *["--quick"] * asked.quick, "--write", page])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="drawn parts, to try the runner")
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help="write the page here")
    asked = parser.parse_args(arguments)
    jobs = jobs_of(asked.seeds, asked.quick)
    done = run_jobs(jobs, asked.out, _say)
    if asked.write is not None:
        write_page(done, jobs, asked.write, _command(asked))
        _say(f"{asked.write}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
