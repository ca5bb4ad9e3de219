"""The study's page, from made-up results whose numbers are known."""

from typing import Any

import pytest
from part_attention_page import page
from part_jobs import ARMS, Job, jobs_of

EXEMPLARS = ("one", "two", "three")
JOBS = jobs_of(ARMS, EXEMPLARS)
LEVEL = {"span": 0.92, "masked-alone": 0.30, "dino-alone": 0.25, "control-shifted": 0.20}
WHERE = {
    "created": "2026-01-02T03:04:05+00:00",
    "git_commit": "abc",
    "versions": {"python": "3.11"},
    "machine": {"processor": "a processor", "cpus": 2, "memory_gib": 8, "system": "Linux"},
}


def by_part(value: float) -> dict[str, list[float]]:
    return {part: [value] * 4 for part in ("heart", "left_lung", "right_lung")}


def content(job: Job, level: float | None = None) -> dict[str, Any]:
    """A job whose heads have one AP in place, 0.05 less when moved; its template 0.70 and 0.60."""
    heads = LEVEL.get(job.arm.name, 0.90) if level is None else level
    found: dict[str, Any] = {
        "where": WHERE,
        "images": ["a", "b", "c", "d"],
        "learnt_from": 197,
        "measured_on": "test",
    }
    if job.arm.predictor == "heads":
        found |= {"steps": 1200, "minutes": 4.0 + job.seed, "cpu_minutes": 7.0}
    for place, loss, template in (("in_place", 0.0, 0.70), ("moved", 0.05, 0.60)):
        found[place] = {
            key: by_part(value)
            for key, value in (
                ("best", heads - loss - 0.1 if job.arm.name == "span" else heads - loss),
                ("template", template),
                ("oracle", 0.99),
                ("chance", 0.13),
                ("mass", 0.6),
            )
        }
        if job.arm.settings.get("pretrain.prior_weight") != 0 and "statistics" not in job.name:
            found[place]["assigned"] = by_part(heads - loss)
    return found


def full() -> dict[str, Any]:
    return {job.name: content(job) for job in JOBS}


def row(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.split("|")[1:-1]]


def written(done: dict[str, Any]) -> str:
    return page(done, JOBS, "part_attention", "python benchmarks/part_attention.py")


def test_main_numbers_and_gains_are_those_of_the_jobs() -> None:
    text = written(full())
    assert row(text, "SPAN, default settings, assigned")[1:] == [
        "0.920 [0.920, 0.920]",
        "0.870 [0.870, 0.870]",
        "1200",
        "5.0 (7.0 of processor)",
        "9",
    ]
    assert row(text, "`masked` without SPAN, best head")[1] == "0.300 [0.300, 0.300]"
    assert row(text, "the template |")[1:] == ["+0.220 [+0.220, +0.220]", "+0.270 [+0.270, +0.270]"]
    assert row(text, "plain `dino` |")[1] == "+0.670 [+0.670, +0.670]"
    carried = row(text, "no network: the exemplar's masks carried over | +")
    assert carried[1] == "+0.020 [+0.020, +0.020]"
    assert row(text, "chance")[1] == "0.130 [0.130, 0.130]"


def test_goals_are_told_to_be_met_or_missed() -> None:
    text = written(full())
    assert row(text, "mAP of the heads in place")[-1] == "yes"
    assert row(text, "gain over the template, moved")[-1] == "yes"
    assert row(text, "minutes of the longest run")[1:] == ["at most 15", "6.0", "yes"]
    low = {job.name: content(job, 0.65) for job in JOBS}
    low["span.one.seed-0"]["minutes"] = 16.0
    text = written(low)
    assert [
        row(text, what)[-1] for what in ("mAP of the heads", "gain over", "minutes of")[:1]
    ] == ["**no**"]
    assert row(text, "gain over the template in place")[-1] == "**no**"
    assert row(text, "minutes of the longest run")[-1] == "**no**"


def test_controls_stand_against_their_reference() -> None:
    text = written(full())
    shifted = row(text, "priors shifted by a quarter image")
    assert shifted[1] == "0.200 [0.200, 0.200]"
    assert shifted[3] == "-0.700 [-0.700, -0.700]"
    assert row(text, "as `span`, fewer steps")[3:5] == ["", ""]
    assert row(text, "regions from statistics")[3].startswith("+0.000")


def test_every_run_of_span_and_every_part_has_a_row() -> None:
    text = written(full())
    for exemplar in EXEMPLARS:
        for seed in range(3):
            assert row(text, f"{exemplar}, seed {seed}")[1:3] == ["0.920", "0.700"]
    for part in ("heart", "left lung", "right lung"):
        assert row(text, f"{part}, SPAN")[2] == "0.870 [0.870, 0.870]"


def test_an_unfinished_study_gives_what_it_has() -> None:
    some = {name: one for name, one in full().items() if name.startswith(("span.one", "dino"))}
    text = written(some)
    assert f"{len(some)} of {len(JOBS)} jobs are finished" in text
    assert "Controls" not in text
    only = {name: one for name, one in full().items() if name.startswith("control-focus")}
    assert row(written(only), "`focus` instead")[3:5] == ["", ""]


def test_jobs_on_different_images_are_not_compared() -> None:
    done = full()
    done["span.one.seed-0"]["images"] = ["a", "b", "c", "e"]
    with pytest.raises(ValueError, match="different images"):
        written(done)
