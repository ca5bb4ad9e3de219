"""The runner of the demo's seeds goes on where it was, and removes only what it made."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import demo_seeds
import pytest
from demo_seeds import Job, jobs_of, run_jobs


def quiet(_text: str) -> None:
    pass


class Work:
    """Three jobs that count how often they ran; one can be made to fail."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failing = ""
        self.jobs = [
            Job(name, makes, self.work(name, makes))
            for name, makes in (("seed-0.demo", "seed-0"), ("seed-0.scores", None), ("other", None))
        ]

    def work(self, name: str, makes: str | None) -> Callable[[Path], dict[str, Any]]:
        def run(out: Path) -> dict[str, Any]:
            self.ran.append(name)
            if makes is not None:
                (out / makes).mkdir()
            if name == self.failing:
                raise KeyboardInterrupt
            return {"job": name}

        return run


@pytest.fixture
def work() -> Work:
    return Work()


def test_every_job_leaves_one_json(work: Work, tmp_path: Path) -> None:
    done = run_jobs(work.jobs, tmp_path, quiet)
    assert [content["result"]["job"] for content in done.values()] == work.ran
    assert sorted(path.name for path in (tmp_path / "jobs").glob("*.json")) == [
        "other.json",
        "seed-0.demo.json",
        "seed-0.scores.json",
    ]


def test_finished_jobs_are_not_run_again(work: Work, tmp_path: Path) -> None:
    first = run_jobs(work.jobs, tmp_path, quiet)
    work.ran.clear()
    assert run_jobs(work.jobs, tmp_path, quiet) == first
    assert work.ran == []


def test_a_killed_job_is_made_again_from_nothing(work: Work, tmp_path: Path) -> None:
    work.failing = "seed-0.demo"
    with pytest.raises(KeyboardInterrupt):
        run_jobs(work.jobs, tmp_path, quiet)
    assert (tmp_path / "seed-0").is_dir()
    work.failing = ""
    run_jobs(work.jobs, tmp_path, quiet)
    assert work.ran == ["seed-0.demo", "seed-0.demo", "seed-0.scores", "other"]


def test_what_was_made_from_a_job_is_made_again_with_it(work: Work, tmp_path: Path) -> None:
    run_jobs(work.jobs, tmp_path, quiet)
    work.ran.clear()
    (tmp_path / "jobs" / "seed-0.demo.json").unlink()
    (tmp_path / "jobs" / "seed-0.demo.started").touch()
    run_jobs(work.jobs, tmp_path, quiet)
    assert work.ran == ["seed-0.demo", "seed-0.scores"]


def test_a_folder_it_did_not_make_is_left_alone(work: Work, tmp_path: Path) -> None:
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / "mine.txt").touch()
    for _ in range(2):
        with pytest.raises(SystemExit, match="was not made here"):
            run_jobs(work.jobs, tmp_path, quiet)
    assert (tmp_path / "seed-0" / "mine.txt").exists()


def test_the_jobs_of_a_seed_come_in_the_order_in_which_they_build_on_each_other() -> None:
    names = [job.name for job in jobs_of([0, 4], quick=True)]
    assert names[:3] == ["start", "seed-0.demo", "seed-0.baseline-pretrain"]
    assert names[7] == "seed-4.demo"
    assert len(names) == 1 + 2 * 6


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of `inspect`."""

    def put(script: str) -> None:
        file = tmp_path / "program"
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
        monkeypatch.setattr(demo_seeds, "PROGRAM", file)

    return put


def test_a_command_runs_in_the_study_s_folder_and_tells_its_json(
    tmp_path: Path, program: Callable[[str], None]
) -> None:
    program('echo "[\\"$PWD\\", \\"$1\\"]"')
    pretraining = jobs_of([0], quick=True)[2]
    assert pretraining.run(tmp_path) == {
        "command": "inspect pretrain seed-0/line/line.yaml --baseline --seed 0 --out "
        "seed-0/baseline --json",
        "said": [str(tmp_path), "pretrain"],
    }


def test_a_command_that_fails_stops_the_study(
    tmp_path: Path, program: Callable[[str], None]
) -> None:
    program("exit 3")
    with pytest.raises(SystemExit, match=r"baseline --seed 0 .* ended with code 3"):
        jobs_of([0], quick=True)[2].run(tmp_path)


def test_the_start_is_timed_five_times(tmp_path: Path, program: Callable[[str], None]) -> None:
    program("echo once >> started")
    found = jobs_of([], quick=True)[0].run(tmp_path)
    assert len(found["seconds"]) == 5
    assert min(found["seconds"]) <= found["median_s"] <= max(found["seconds"])
    assert len((tmp_path / "started").read_text(encoding="utf-8").splitlines()) == 6


def test_a_store_of_the_environment_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_STORE_URL", "sqlite:///elsewhere.db")
    assert "INSPECT_STORE_URL" not in demo_seeds._environment()


@pytest.mark.parametrize("place", ["docs/results/demo.md", "/somewhere/demo.md"])
def test_the_command_on_the_page_names_no_folder_of_this_machine(place: str) -> None:
    asked = argparse.Namespace(write=Path(place), seeds=[0, 1], quick=False)
    told = demo_seeds._command(asked)
    assert told.startswith("python benchmarks/demo_seeds.py --out DIR --seeds 0 1 --write ")
    assert " /" not in told


def test_the_page_and_its_json_lie_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    monkeypatch.setattr(demo_seeds, "page", lambda done, command, folder: f"{folder}: {command}")
    done = run_jobs(work.jobs, tmp_path / "study", quiet)
    demo_seeds.write_page(done, work.jobs, tmp_path / "results" / "demo.md", "again")
    assert (tmp_path / "results" / "demo.md").read_text(encoding="utf-8") == "demo: again"
    kept = json.loads((tmp_path / "results" / "demo" / "other.json").read_text(encoding="utf-8"))
    assert kept == done["other"]
