"""Tuned lines, and lines without a pose, go to the line PC with evidence that sums."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.export.run import ExportOptions, export_run
from span_train.contract.settings import LineSettings
from span_train.finetune.run import train

TUNED = (
    "train.finetune=always",
    "train.tuning.epochs=1",
    "train.tuning.steps=2",
    "train.tuning.batch_size=4",
)
NO_POSE = ("train.statistics=memory", "train.memory_entries=64")


@pytest.mark.parametrize("overrides", [TUNED, NO_POSE], ids=["tuned", "without a pose"])
def test_the_graph_answers_like_the_network_and_its_evidence_sums(
    overrides: tuple[str, ...],
    tiny_line: Callable[..., LineSettings],
    pretrained_run: Path,
    tmp_path: Path,
) -> None:
    train(tiny_line(*overrides), pretrained_run, tmp_path / "run")
    export_run(tmp_path / "run", tmp_path / "bundle", ExportOptions())
    parity = json.loads((tmp_path / "bundle" / "parity.json").read_text())
    assert parity["largest_difference"]["logits"] < 1e-4
    assert parity["verdict_flips"] == 0
    assert parity["largest_sum_gap"] < 1e-4
