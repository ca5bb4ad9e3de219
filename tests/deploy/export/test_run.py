import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deploy.bundle.read import open_bundle
from deploy.export.run import export_run, export_trained
from span_train.contract.errors import BundleError, GateMissed, RunError
from span_train.finetune.run import TrainedLine
from span_train.models.inspection_model import InspectionOutputs


def test_the_bundle_says_what_it_is(bundle_folder: Path) -> None:
    manifest = open_bundle(bundle_folder).manifest
    assert manifest.name == "pump-v4"
    assert manifest.heads == ("body", "left_lead", "free 1", "free 2")
    assert manifest.head_parts == ("body", "left_lead", None, None)
    assert [feature.part for feature in manifest.features] == [
        "body",
        "left_lead",
        "free",
        "elsewhere",
    ]
    assert manifest.classes == ("good", "scratch", "blot")
    assert manifest.input.side_px == 32
    assert manifest.evidence_scale > 0
    assert manifest.versions["torch"]


def test_numbers_that_are_none_become_null_in_the_training_facts(bundle_folder: Path) -> None:
    training = open_bundle(bundle_folder).manifest.training
    assert training["auroc"] is None
    assert training["counts"] == {"train": 9, "calibration": 3}


def test_paths_of_the_training_machine_stay_there(bundle_folder: Path) -> None:
    for name in ("manifest.json", "card.md", "parity.json", "policy.json", "layout.json"):
        assert "/home/ada" not in (bundle_folder / name).read_text()


def test_parity_is_written_beside_its_tolerance(bundle_folder: Path) -> None:
    parity = json.loads((bundle_folder / "parity.json").read_text())
    assert parity["images"] == 4
    assert parity["verdict_flips"] == 0
    assert parity["largest_difference"]["logits"] <= parity["tolerance"]["logits"] == 1e-4


def test_the_run_is_read_only_when_the_place_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.export.run.load_trained", lambda _run: pytest.fail("was read"))
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine.txt").touch()
    with pytest.raises(BundleError, match="exists already"):
        export_run(tmp_path / "run", tmp_path / "bundle")


def test_a_run_is_loaded_and_exported(
    tmp_path: Path,
    make_trained: Callable[..., TrainedLine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploy.export.run.load_trained", lambda _run: make_trained(()))
    bundle = export_run(tmp_path / "run", tmp_path / "new" / "bundle")
    assert bundle.folder == tmp_path / "new" / "bundle"
    assert bundle.manifest.sizes.types == 0


def test_a_run_without_example_images_is_refused(
    tmp_path: Path, make_trained: Callable[..., TrainedLine]
) -> None:
    with pytest.raises(RunError, match="run7: names no example image"):
        export_trained(make_trained(example_paths=()), tmp_path / "bundle", "run7")


def test_a_graph_that_answers_otherwise_leaves_no_bundle(
    tmp_path: Path, make_trained: Callable[..., TrainedLine]
) -> None:
    trained = make_trained()
    forward = trained.model.forward

    def otherwise_in_the_graph(images: torch.Tensor) -> InspectionOutputs:
        outputs = forward(images)
        shift = 0.25 if torch.compiler.is_exporting() else 0.0
        return outputs._replace(outlier=outputs.outlier + shift)

    trained.model.forward = otherwise_in_the_graph
    with pytest.raises(GateMissed, match=r"outlier of part_\d+\.png differs by 0\.25"):
        export_trained(trained, tmp_path / "bundle", "run")
    assert not list(tmp_path.iterdir())
