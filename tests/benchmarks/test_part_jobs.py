"""The study's jobs: names that tell them apart, an order that shows every arm early."""

import json
from collections import Counter

import pytest
from part_jobs import ALONE, ARMS, PLAIN_DINO, SPAN, Arm, jobs_of, matching

EXEMPLARS = ("one", "two", "three")
JOBS = jobs_of(ARMS, EXEMPLARS)


def test_names_are_unique_and_safe_for_files() -> None:
    names = [job.name for job in JOBS]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.") for name in names)


def test_the_headline_has_three_exemplars_and_three_seeds_its_baselines_three_seeds() -> None:
    runs = Counter(job.arm.name for job in JOBS)
    assert (runs[SPAN], runs[ALONE], runs[PLAIN_DINO]) == (9, 3, 3)
    assert {job.exemplar for job in JOBS if job.arm.name == SPAN} == set(EXEMPLARS)


def test_controls_differ_from_their_reference_and_share_all_else() -> None:
    (reference,) = (arm for arm in ARMS if arm.name == "control-reference")
    controls = [arm for arm in ARMS if arm.control_of == reference.name]
    assert len(controls) >= 8
    for arm in controls:
        assert (arm.seeds, arm.exemplars, arm.steps) == (
            reference.seeds,
            reference.exemplars,
            reference.steps,
        )
        assert (arm.settings, arm.prior) != (reference.settings, reference.prior)


def test_every_arm_is_seen_before_any_second_seed() -> None:
    first = [job.arm.name for job in JOBS if job.seed == 0]
    assert [job.arm.name for job in JOBS[: len(first)]] == first
    assert set(first) == {arm.name for arm in ARMS}


def test_a_job_is_described_by_what_defines_it() -> None:
    (job,) = matching(JOBS, ["control-shifted.one.seed-2"])
    described = job.described()
    assert (described["exemplar"], described["seed"]) == ("one", 2)
    assert described["arm"]["prior"] == "shifted"
    assert described["arm"]["steps"] == job.arm.steps
    json.dumps(described)


def test_patterns_fit_jobs_and_arms() -> None:
    assert matching(JOBS, []) == JOBS
    assert len(matching(JOBS, ["span"])) == 9
    assert len(matching(JOBS, ["span.*.seed-1", "dino-alone"])) == 6
    assert matching(JOBS, ["Span"]) == []


def test_arms_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="more than the 1 exemplars"):
        jobs_of([Arm("a", "", exemplars=2)], ["one"])
    with pytest.raises(ValueError, match="one name"):
        jobs_of([Arm("a", ""), Arm("a", "")], ["one"])
