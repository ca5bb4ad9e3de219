import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch

import deploy.export.run
from deploy.bundle.graph_outputs import Precision
from deploy.bundle.read import open_bundle, read_examples
from deploy.export.onnx_file import TracedGraph
from deploy.export.run import ExportOptions, export_run, export_trained
from span_train.contract.errors import BundleError, GateMissed, InputError, RunError
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


def test_all_calibration_images_are_compared_too(bundle_folder: Path) -> None:
    calibration = json.loads((bundle_folder / "parity.json").read_text())["calibration"]
    assert calibration["split"] == "unlabelled"
    assert calibration["images"] == calibration["available"] == 6
    assert calibration["verdict_flips"] == calibration["max_flips"] == 0
    assert calibration["largest_difference"]["logits"] < 1e-4


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


def refuse_first(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the calibration images speak against the first graphs."""
    check, calls = deploy.export.run.check_calibration, iter(range(times))

    def refuse(*arguments: object) -> object:
        if next(calls, None) is not None:
            raise GateMissed("too many verdicts differ")
        return check(*arguments)

    monkeypatch.setattr("deploy.export.run.check_calibration", refuse)


def test_int8_leaves_out_layers_until_the_verdicts_stay(
    tmp_path: Path,
    whole_line: TrainedLine,
    whole_traced: TracedGraph,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    refuse_first(monkeypatch, 2)
    monkeypatch.setattr("deploy.export.run.trace", lambda _model: whole_traced)
    bundle = export_trained(whole_line, tmp_path / "b.zip", "run", ExportOptions(precision="int8"))
    assert capfd.readouterr() == ("", "")
    assert bundle.manifest.precision == "int8"
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        parity, card = json.loads(archive.read("parity.json")), archive.read("card.md").decode()
    assert parity["rounded"] == "all linear layers but the MLPs of block 1"
    assert [reason.split(":")[0] for reason in parity["refused"]] == [
        "all linear layers",
        "all linear layers but the last of each MLP in block 1",
    ]
    assert "int8 in all linear layers but the MLPs of block 1" in card
    assert read_examples(bundle).verdicts == ("recheck",) * 4


def test_int8_that_changes_verdicts_however_few_layers_leaves_no_bundle(
    tmp_path: Path,
    whole_line: TrainedLine,
    whole_traced: TracedGraph,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_first(monkeypatch, 9)
    monkeypatch.setattr("deploy.export.run.trace", lambda _model: whole_traced)
    with pytest.raises(GateMissed, match="the linear layers after block 1: too many verdicts"):
        export_trained(whole_line, tmp_path / "bundle", "run", ExportOptions(precision="int8"))
    assert not list(tmp_path.iterdir())


def test_float16_is_inside_alone(tmp_path: Path, whole_line: TrainedLine) -> None:
    options = ExportOptions(precision="float16", check_images=3)
    bundle = export_trained(whole_line, tmp_path / "bundle", "run", options)
    parity = json.loads((tmp_path / "bundle" / "parity.json").read_text())
    assert bundle.manifest.precision == parity["precision"] == "float16"
    assert parity["calibration"]["images"] == 3
    assert 0 < parity["largest_difference"]["logits"] < 0.2
    for output in onnx.load_from_string(bundle.model_bytes).graph.output:
        assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_rounding_needs_images_to_count_verdicts_on(
    tmp_path: Path, whole_line: TrainedLine, precision: Precision
) -> None:
    options = ExportOptions(precision=precision, check_images=0)
    with pytest.raises(InputError, match=f"{precision} is only exported with calibration images"):
        export_trained(whole_line, tmp_path / "bundle", "run", options)


def test_a_wrong_key_is_told_before_any_work(
    tmp_path: Path, make_trained: Callable[..., TrainedLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.export.run.trace", lambda _model: pytest.fail("was traced"))
    options = ExportOptions(sign_key=tmp_path / "nowhere.pem")
    with pytest.raises(InputError, match=r"nowhere\.pem: cannot be read"):
        export_trained(make_trained(), tmp_path / "bundle", "run", options)
