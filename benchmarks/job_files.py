"""A study's command line and its jobs: a finished one leaves one JSON, and is not run again.

Several runners may work side by side. A claim keeps two of them off one job, and ends when its
runner does, however that ends.
"""

import argparse
import fcntl
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from span_train.contract.errors import InputError
from span_train.storage.run_folder import read_json


class Named(Protocol):
    """A job of any study."""

    @property
    def name(self) -> str:
        """Of its JSON."""

    @property
    def about(self) -> str:
        """What it does, for a list."""


J = TypeVar("J", bound=Named)
A = TypeVar("A", bound=Named)


@dataclass(frozen=True)
class ArmJob(Generic[A]):
    """One arm of a study, on one kind of images, from one seed."""

    data: str
    arm: A
    seed: int

    @property
    def name(self) -> str:
        """Of its JSON and its run."""
        return f"{self.data}.{self.arm.name}.{self.seed}"

    @property
    def about(self) -> str:
        """What it does, for a list."""
        return self.arm.about


def add_options(parser: argparse.ArgumentParser, runs: Path) -> None:
    """The options that every study has; `runs` is where its run folders usually lie."""
    parser.add_argument("--runs", type=Path, default=runs, help="where run folders are made")
    parser.add_argument("--results", type=Path, help="where finished jobs leave their JSON")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--steps", type=int, help="of every job, for a trial; needs --results")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show the jobs")
    what.add_argument("--report", action="store_true", help="write the page of finished jobs")


def settle_results(
    parser: argparse.ArgumentParser, asked: argparse.Namespace, usual: Path
) -> argparse.Namespace:
    """The arguments with a folder of results: the usual one, but never for a trial."""
    if asked.steps is not None and (asked.steps < 1 or asked.results in (None, usual)):
        parser.error("--steps wants a number above 0, and --results, to keep trials apart")
    asked.results = asked.results or usual
    return asked


def carry_out(
    asked: argparse.Namespace,
    jobs: Sequence[J],
    claims: Path,
    run: Callable[[J], None],
    page: Callable[[dict[str, Any], Sequence[J], str], str],
) -> None:
    """Do what was asked: list the jobs, write their page beside the results, or run them.

    Args:
        page: Makes it from the finished jobs, all jobs, and the name of the folder of results.

    Raises:
        InputError: A page is asked for, and no job is finished.
    """
    results: Path = asked.results
    if asked.list:
        print(listed(jobs, results))
    elif asked.report:
        target = results.with_suffix(".md")
        target.write_text(page(finished(jobs, results), jobs, results.name), encoding="utf-8")
        say(str(target))
    else:
        run_missing(jobs, results, claims, run)


def run_missing(jobs: Sequence[J], results: Path, claims: Path, run: Callable[[J], None]) -> None:
    """Run every job that has no result yet and that no other runner works on.

    Args:
        jobs: In the order in which they are wanted.
        results: Folder of the JSON files.
        claims: Folder of the claims, on this machine.
        run: Does a job and leaves its JSON.
    """
    claims.mkdir(parents=True, exist_ok=True)
    for number, job in enumerate(jobs, 1):
        with _claimed(claims / f"{job.name}.claim") as mine:
            there = result_of(job, results).is_file()
            state = "there already" if there else "" if mine else "runs elsewhere"
            say(f"[{number}/{len(jobs)}] {job.name} {state}".rstrip())
            if mine and not there:
                began = time.perf_counter()
                run(job)
                say(f"  {(time.perf_counter() - began) / 60:.1f} min")


def result_of(job: Named, results: Path) -> Path:
    """The JSON of a finished job."""
    return results / f"{job.name}.json"


def finished(jobs: Iterable[Named], results: Path) -> dict[str, Any]:
    """The content of every finished job's JSON, by name.

    Raises:
        InputError: No job is finished.
    """
    files = {job.name: result_of(job, results) for job in jobs}
    done = {name: read_json(file) for name, file in files.items() if file.is_file()}
    if not done:
        raise InputError(f"{results}: no job is finished; run some first.")
    return done


def matching(jobs: Iterable[J], patterns: Sequence[str]) -> list[J]:
    """The jobs whose names fit one of the patterns; all of them without any.

    Raises:
        InputError: None has such a name.
    """
    found = [
        job for job in jobs if not patterns or any(fnmatchcase(job.name, one) for one in patterns)
    ]
    if not found:
        raise InputError(f"--only {' '.join(patterns)}: no job has such a name; see --list.")
    return found


def listed(jobs: Iterable[Named], results: Path) -> str:
    """A line for each job: whether it is done, its name, and what it does."""
    states = [(job, "done" if result_of(job, results).is_file() else "missing") for job in jobs]
    return "\n".join(f"{state:<8} {job.name:<36} {job.about}" for job, state in states)


def say(text: str) -> None:
    """Tell a person, beside what a program may read."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _claimed(file: Path) -> Iterator[bool]:
    """Whether this process has the job to itself."""
    with file.open("w") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
