"""The page of the demo's results says what was measured, and on how many parts."""

from pathlib import Path
from typing import Any

import pytest
from demo_page import page, table

WHERE = {
    "created": "2026-11-23T10:00:00+00:00",
    "git_commit": "abc123",
    "versions": {"python": "3.11.7", "torch": "2.9"},
    "machine": {"system": "Linux", "cpus": 2, "processor": "Tiny CPU", "memory_gib": 8},
}


def rate(count: int, of: int) -> dict[str, Any]:
    return {
        "value": count / of,
        "interval": [0.01, 0.2],
        "confidence": 0.95,
        "count": count,
        "of": of,
    }


def metrics(auroc: float) -> dict[str, Any]:
    ranked = {"value": auroc, "interval": [auroc - 0.05, auroc + 0.04]}
    return {
        "auroc": ranked,
        "outlier_auroc": {"value": auroc - 0.02, "interval": [0.5, 0.9]},
        "escape_rate": rate(3, 40),
        "overkill_rate": rate(1, 50),
        "recheck_rate": rate(9, 90),
    }


def jobs_of_seed(seed: int) -> dict[str, Any]:
    tolerance = {"logits": 1e-4, "evidence": 1e-3}
    said = {
        "metrics": metrics(0.90 + seed / 100),
        "claims": [{"message": "At most 10 % of defective parts pass."}],
        "pretraining": {"images_per_s": 100.0 + seed, "steps": 400},
        "counts": {"train": {"good": 20, "defective": 21}},
        "scoring_images_per_s": 55.0,
        "timings_s": {"line": 1.5, "pretraining": 60.0},
    }
    parity = {
        "tolerance": tolerance,
        "largest_difference": {"logits": 1.5e-5, "evidence": 2e-7},
        "verdict_flips": 0,
        "images": 16,
    }
    parts = {"body": {"span": 0.6, "baseline": 0.25, "baseline_head": 3, "area": 0.2}}
    order = {"z": [0.0, 1.0, 2.0, 3.0], "outlier": [0.0, 2.0, 1.0, 3.0]}
    scores = {
        "images": ["a.png", "b.png", "c.png", "d.png"],
        "groups": [None, None, "one", "one"],
        "defective": [False, False, True, True],
        "span": order,
        "baseline": {"z": [0.0, 9.0, 2.0, 3.0], "outlier": order["outlier"]},
    }
    results = {
        "demo": {"command": f"inspect demo --out seed-{seed}", "said": said, "parity": parity},
        "baseline-pretrain": {"command": "inspect pretrain", "said": {"images_per_s": 120.0}},
        "baseline-train": {"command": "inspect train", "said": {}},
        "baseline-evaluate": {"command": "inspect evaluate", "said": metrics(0.88)},
        "attention": {"images": 4, "parts": parts},
        "scores": scores,
    }
    return {
        f"seed-{seed}.{name}": {
            "where": WHERE,
            "load_before": 0.5,
            "wall_s": 99.0,
            "result": result,
        }
        for name, result in results.items()
    }


@pytest.fixture
def done() -> dict[str, Any]:
    start = {"result": {"seconds": [0.2] * 5, "median_s": 0.21}, "where": WHERE, "wall_s": 1.0}
    return {"start": start} | jobs_of_seed(0) | jobs_of_seed(1)


def test_a_table_is_markdown_with_numbers_to_the_right() -> None:
    assert (
        table(["part", "mean"], [["body", "1"]])
        == "| part | mean |\n| --- | ---: |\n| body | 1 |\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "# The demo, 2 seeds",
        "- Tiny CPU, 2 processors, 8 GiB memory",
        "- commit abc123",
        "    inspect demo --out seed-0",
        "| part | seed 0 | seed 1 | mean | area |",
        "| body, SPAN | 60.0 % | 60.0 % | 60.0 % | 20.0 % |",
        "| body, baseline | 25.0 % | 25.0 % | 25.0 % | 20.0 % |",
        "| z, SPAN | 0.900 [0.850, 0.940] | 0.910 [0.860, 0.950] | 0.905 |",
        "| z, baseline | 0.880 [0.830, 0.920] | 0.880 [0.830, 0.920] | 0.880 |",
        "| outlier score, SPAN less baseline | +0.000 [+0.000, +0.000] |",
        "| recheck, SPAN | 9 of 90: 10.0 % [1.0 %, 20.0 %] | 9 of 90: 10.0 % [1.0 %, 20.0 %] "
        "| 10.0 % |",
        "- seed 1: At most 10 % of defective parts pass.",
        "| logits | 1.5e-05 | 1.5e-05 | 1e-04 |",
        "| verdict flips | 0 | 0 | 0 |",
        "| pretraining, images/s | 100 | 101 | 100 |",
        "| pretraining, baseline, images/s | 120 | 120 | 120 |",
        "| scoring, images/s | 55 | 55 | 55 |",
        "| pretraining, s | 60.0 | 60.0 | 60.0 |",
        "| the whole demo, s | 99 | 99 | 99 |",
    ],
)
def test_the_page_holds(done: dict[str, Any], line: str) -> None:
    assert line in page(done, "python benchmarks/demo_seeds.py", "demo").splitlines()


def test_the_gain_is_taken_over_physical_parts(done: dict[str, Any]) -> None:
    """Three parts: z of the baseline puts one good part above the only defective one."""
    written = page(done, "command", "demo")
    assert "| z, SPAN less baseline | +0.500 [" in written


def test_the_page_names_the_start_and_the_command(done: dict[str, Any]) -> None:
    written = page(done, "python benchmarks/demo_seeds.py --out DIR", "demo")
    assert "    python benchmarks/demo_seeds.py --out DIR\n" in written
    assert "answered in 0.21 s" in written


def test_another_commit_on_the_way_is_told(done: dict[str, Any]) -> None:
    done["seed-1.scores"] = done["seed-1.scores"] | {"where": WHERE | {"git_commit": "def456"}}
    assert "- commit abc123; then commit def456" in page(done, "command", "demo")


def test_seeds_with_other_test_images_are_not_averaged(done: dict[str, Any]) -> None:
    done["seed-1.scores"]["result"]["images"] = ["e.png", "b.png", "c.png", "d.png"]
    with pytest.raises(ValueError, match="different test images"):
        page(done, "command", "demo")


def test_the_page_names_no_folder_of_this_machine(done: dict[str, Any]) -> None:
    assert str(Path.cwd()) not in page(done, "command", "demo")
