"""The search for settings of self-distillation: its jobs, and what its page calls a collapse."""

import math
from typing import Any

import pytest
from dino_jobs import DATA_NAMES, Job, jobs_of
from dino_page import page

UNIFORM = math.log(1024)


def made(job: Job, **health: float) -> dict[str, Any]:
    """The JSON of a job that ended so."""
    usual = {"objective_loss": 5.0, "teacher_information": 1.0, "uniform_loss": UNIFORM}
    versions = {"python": "3"}
    machine = {"processor": "one", "cpus": 2, "memory_gib": 1, "system": "x"}
    return {
        "job": job.described(),
        "where": {"machine": machine, "versions": versions, "git_commit": "0", "created": "now"},
        "cpu_minutes": 1.0,
        "health": {"feature_spread": 0.5, **usual, **health},
        "same_image": 0.1,
        "map": {"in_place": 0.9, "moved": 0.8},
        "auroc": 0.95,
    }


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line and "settings" not in line
    ]


def test_every_job_has_a_name_of_its_own_and_the_default_of_dino_is_tried_everywhere() -> None:
    jobs = jobs_of()
    assert len({job.name for job in jobs}) == len(jobs)
    published = [job for job in jobs if job.arm.name == "published"]
    assert {(job.data, job.seed) for job in published} == {
        (name, seed) for name in DATA_NAMES for seed in range(3)
    }


@pytest.mark.parametrize(
    ("health", "collapsed"),
    [
        ({}, "0"),
        ({"objective_loss": UNIFORM * 0.995}, "1"),
        ({"objective_loss": UNIFORM * 1.02}, "0"),
        ({"teacher_information": UNIFORM * 0.009}, "1"),
        ({"feature_spread": 0.01}, "1"),
    ],
)
def test_a_collapse_is_told_by_the_limits_of_the_watch(
    health: dict[str, float], collapsed: str
) -> None:
    job = next(one for one in jobs_of() if one.data == "elpv" and one.arm.name == "published")
    (row,) = rows_of(page({job.name: made(job, **health)}, jobs_of(), "dino"))
    assert row[-1] == collapsed
    assert row[5] == "0.950"


def test_seeds_stand_in_one_row_with_their_range() -> None:
    jobs = [one for one in jobs_of() if one.data == "jsrt" and one.arm.name == "published"]
    done = {job.name: made(job, objective_loss=5.0 + job.seed) for job in jobs}
    (row,) = rows_of(page(done, jobs_of(), "dino"))
    assert row[1] == "3"
    assert row[2] == "0.866 (0.721 to 1.010)"
