from collections.abc import Callable
from pathlib import Path

import numpy as np
import precisions
import pytest
from precisions import measure, page, time_all

from deploy.bundle.read import open_bundle, read_examples
from deploy.export.run import export_trained
from deploy.runtime.session import open_bundle_session
from span_train.finetune.run import TrainedLine


def test_a_precision_stands_beside_float32(
    make_trained: Callable[..., TrainedLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export_trained(make_trained(), tmp_path / "float32.zip", "run")
    bundles = {"float32": bundle, "int8": bundle}
    graphs = {name: open_bundle_session(bundle, "cpu", 1) for name in bundles}
    examples = read_examples(bundle)
    monkeypatch.setattr(precisions, "BATCHES", (1, 2))
    timings = time_all(graphs, examples.fitted_nhwc, rounds=1, seconds=0.01)
    rows = measure(bundles, examples.fitted_nhwc, np.array([0, 0, 1, 0], bool), graphs, timings)
    assert [(row.precision, row.flips, row.images) for row in rows] == [
        ("float32", 0, 4),
        ("int8", 0, 4),
    ]
    assert rows[1].gain[0] == rows[1].largest_z == 0
    told = {"provider": "cpu", "threads": 1, "refused": ["float16: why"], "where": ["here"]}
    text = page(rows, told)
    assert "| int8 | 0.0 MB | 0 of 4 | 0 | 1.0000 |" in text
    assert "- Refused: float16: why" in text


def test_a_precision_that_changes_too_much_is_told(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precisions, "open_bundle", lambda place: open_bundle(bundle_folder))

    def export(run: Path, place: Path, options: object) -> None:
        if place.name == "int8.zip":
            raise precisions.GateMissed("9 of 10 verdicts")

    monkeypatch.setattr(precisions, "export_run", export)
    bundles, refused = precisions.export_all(tmp_path / "run", tmp_path, 0.005)
    assert sorted(bundles) == ["float16", "float32"]
    assert refused == ["int8: 9 of 10 verdicts"]
