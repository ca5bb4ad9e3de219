"""`inspect evaluate` says in words what was asked for, and refuses what it cannot use."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from span_train.contract.settings import LineSettings
from span_train.finetune.run import train

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trained(
    drawn_line: Path,
    tiny_line: Callable[..., LineSettings],
    pretrained_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[str]:
    """Arguments that name a tiny trained line."""
    out = tmp_path_factory.mktemp("evaluate") / "run"
    train(tiny_line(), pretrained_run, out)
    return [str(drawn_line), "--run", str(out)]


def test_every_check_that_is_asked_for_is_told_and_kept(
    run_inspect: Run, trained: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "evaluation"
    more = ["--deletion", "--defect-rate", "0.05", "--label-budget", "2", "--seeds", "1"]
    code, said, _ = run_inspect("evaluate", *trained, "--out", out, *more)
    assert code == 0
    assert "Removing the 20 patches with the most evidence lowers z by" in said
    assert "On a line with 5 % defective parts the probability of a defect is off by" in said
    assert "labels a class   AUROC" in said
    kept = json.loads((out / "metrics.json").read_text())
    assert {"deletion", "reliability", "label_budget", "evidence_sums"} <= set(kept)


@pytest.mark.parametrize("rate", ["0", "1", "-0.2"])
def test_a_defect_rate_that_is_no_share_is_refused(
    rate: str, run_inspect: Run, trained: list[str], tmp_path: Path
) -> None:
    words = [*trained, "--out", tmp_path / "e", f"--defect-rate={rate}"]
    code, _, said = run_inspect("evaluate", *words)
    assert code == 2
    assert "expected a share like 0.02" in said
