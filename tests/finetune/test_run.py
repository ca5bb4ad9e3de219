"""Training a line end to end on drawn parts: with no labels, some, many, or wrong ones."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from span_train.contract.errors import LabelError, RunError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import LineSettings
from span_train.finetune import run as finetune_run
from span_train.finetune.run import TrainedLine, load_trained, scores_of, train
from span_train.models.inspection_model import InspectionModel, InspectionOutputs
from span_train.policy.calibrate import choose_policy
from span_train.policy.policy import Goal
from span_train.pretrain.run import pretrain

TinyLine = Callable[..., LineSettings]


def rows_of(line: LineSettings) -> list[dict[str, str]]:
    assert line.labels is not None
    with line.labels.open(newline="") as file:
        return list(csv.DictReader(file))


def write_labels(line: LineSettings, rows: list[dict[str, str]], path: Path) -> str:
    """The override that gives a line these labels."""
    assert line.labels is not None
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            image = (line.labels.parent / row["image_path"]).resolve()
            writer.writerow({**row, "image_path": str(image)})
    return f"labels={path}"


def fitted(line: LineSettings, paths: list[Path]) -> torch.Tensor:
    return torch.from_numpy(
        np.stack([fit(load_image(p), line.input.side_px, line.input.fit)[0] for p in paths])
    )


def said_of(trained: TrainedLine, paths: list[Path]) -> InspectionOutputs:
    with torch.inference_mode():
        outputs: InspectionOutputs = trained.model(fitted(trained.settings, paths))
    return outputs


def paths_of(line: LineSettings, split: str) -> list[Path]:
    assert line.labels is not None
    folder = line.labels.parent
    return [folder / row["image_path"] for row in rows_of(line) if row["split"] == split]


@pytest.fixture(scope="module")
def trained_run(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The drawn line with its own labels: good, and three types of defects."""
    out = tmp_path_factory.mktemp("trained") / "run"
    train(tiny_line(), pretrained_run, out)
    return out


def test_many_types_are_told_apart_beside_the_verdict(
    tiny_line: TinyLine, trained_run: Path
) -> None:
    trained = load_trained(trained_run)
    assert trained.model.defect_types == ("bent_lead", "scratch", "stain")
    said = said_of(trained, paths_of(tiny_line(), "train"))
    assert said.logits.shape == (8, 4)
    np.testing.assert_allclose(said.logits[:, 1:].sum(1), 0.0, atol=1e-3)
    assert trained.summary["counts"]["train"] == {"good": 4, "defective": 4}
    assert trained.summary["fit"]["strength"] in (1.0, 3.0, 10.0, 30.0)


def test_the_evidence_of_a_trained_line_sums_to_its_logits(
    tiny_line: TinyLine, trained_run: Path
) -> None:
    trained = load_trained(trained_run)
    line = tiny_line()
    said = said_of(trained, paths_of(line, "test"))
    by_feature = said.bias + said.contributions.sum(-1)
    by_patch = said.bias + said.evidence.sum((-1, -2))
    torch.testing.assert_close(by_feature, said.logits, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(by_patch, said.logits, atol=1e-4, rtol=1e-5)


def test_a_loaded_line_gives_the_very_same_logits(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[InspectionModel] = []

    def remember(*given: Any) -> InspectionModel:
        made.append(InspectionModel(*given).eval())
        return made[-1]

    monkeypatch.setattr(finetune_run, "InspectionModel", remember)
    summary = train(tiny_line(), pretrained_run, tmp_path / "run")
    monkeypatch.undo()
    trained = load_trained(tmp_path / "run")
    images = fitted(tiny_line(), paths_of(tiny_line(), "test"))
    with torch.inference_mode():
        expected, found = made[0](images), trained.model(images)
    for name, value in expected._asdict().items():
        assert torch.equal(getattr(found, name), value), name
    assert not trained.model.training
    assert trained.summary == json.loads(json.dumps(summary))
    assert trained.layout.names == ("body", "left_lead", "marking", "right_lead")


def test_training_again_gives_the_same_line(
    tiny_line: TinyLine, pretrained_run: Path, trained_run: Path, tmp_path: Path
) -> None:
    train(tiny_line(), pretrained_run, tmp_path / "run")
    found, expected = load_trained(tmp_path / "run"), load_trained(trained_run)
    for name, tensor in expected.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor), name
    assert found.policy == expected.policy


def test_examples_are_calibration_images_of_both_classes(
    tiny_line: TinyLine, trained_run: Path
) -> None:
    examples = load_trained(trained_run).example_paths
    assert len(examples) == 12
    assert set(examples) == set(paths_of(tiny_line(), "calibration"))


def test_without_labels_z_is_the_outlier_score_alone(tiny_line: TinyLine, tmp_path: Path) -> None:
    line = tiny_line("labels=null", "pretrain.steps=2")
    pretrain(line, tmp_path / "pretrained")
    summary = train(line, tmp_path / "pretrained", tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    z, outlier = scores_of(trained.model, line, paths_of(tiny_line(), "test"), tmp_path / "cache")
    slope, offset = np.polyfit(outlier, z, 1)
    np.testing.assert_allclose(z, slope * outlier + offset, atol=1e-3)
    assert slope > 0
    assert trained.model.defect_types == ()
    assert summary["fit"] == {"strength": None, "log_loss": {}}
    assert summary["statistics"] == {"images": 52, "kept": 49, "usual": "places"}
    assert any("the training labels hold no image: z is the out" in r for r in summary["remarks"])
    assert any("no escape rate can be promised" in remark for remark in summary["remarks"])
    assert not any(claim.shown for claim in trained.policy.claims)


def test_with_good_training_images_only_z_is_the_outlier_score_alone(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line()
    rows = [r for r in rows_of(line) if r["split"] != "train" or r["label"] == "good"]
    labels = write_labels(line, rows, tmp_path / "good.csv")
    summary = train(tiny_line(labels), pretrained_run, tmp_path / "run")
    good, statistics = sum(row["split"] == "train" for row in rows), summary["statistics"]
    untold = statistics["images"] - good
    assert statistics["kept"] - good <= untold * (1 - line.train.left_out) + 1
    trained = load_trained(tmp_path / "run")
    z, outlier = scores_of(trained.model, line, paths_of(line, "test"), tmp_path / "cache")
    slope, offset = np.polyfit(outlier, z, 1)
    np.testing.assert_allclose(z, slope * outlier + offset, atol=1e-3)
    assert trained.model.defect_types == ()
    assert summary["calibration"] == {"good": 6, "defective": 6}
    assert any("one class only: z is the outlier score" in r for r in summary["remarks"])


def test_one_kind_of_defect_needs_no_types(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line()
    rows = [{**r, "label": "good" if r["label"] == "good" else "bad"} for r in rows_of(line)]
    labels = write_labels(line, rows, tmp_path / "two.csv")
    summary = train(tiny_line(labels), pretrained_run, tmp_path / "run")
    assert summary["defect_types"] == []
    assert summary["defect_classes"] == ["bad"]
    assert load_trained(tmp_path / "run").model.head.weight.shape[0] == 1


def test_the_policy_rests_on_the_calibration_scores_of_each_class(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("goals.escape=0.5", "goals.overkill=0.5")
    train(line, pretrained_run, tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    rows = [row for row in rows_of(line) if row["split"] == "calibration"]
    z, outlier = scores_of(trained.model, line, paths_of(line, "calibration"), tmp_path / "cache")
    good = np.array([row["label"] == "good" for row in rows])
    goals = Goal(escape=0.5, overkill=0.5, confidence=0.95)
    expected = choose_policy(z[good], z[~good], outlier[good], goals)
    assert trained.policy.gate is not None
    assert trained.policy.model_copy(update={"gate": None}) == expected
    assert expected.t_pass is not None


def test_thresholds_never_see_the_test_split(
    tiny_line: TinyLine, pretrained_run: Path, trained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line()
    swap = {"good": "scratch", "scratch": "good", "stain": "good", "bent_lead": "good"}
    rows = [
        {**row, "label": swap[row["label"]]} if row["split"] == "test" else row
        for row in rows_of(line)
    ]
    labels = write_labels(line, rows, tmp_path / "swapped.csv")
    train(tiny_line(labels), pretrained_run, tmp_path / "run")
    found, expected = load_trained(tmp_path / "run"), load_trained(trained_run)
    assert found.policy == expected.policy
    assert torch.equal(found.model.head.weight, expected.model.head.weight)


@pytest.fixture(scope="module")
def leaky_run(tiny_line: TinyLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pretrained before there were labels: on every image."""
    out = tmp_path_factory.mktemp("leaky") / "run"
    pretrain(tiny_line("labels=null", "pretrain.steps=1"), out)
    return out


def test_held_out_images_in_pretraining_are_refused(
    tiny_line: TinyLine, leaky_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        LabelError, match=r"(?s)^20 calibration or test images took part .*part_0032"
    ):
        train(tiny_line(), leaky_run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_leak_that_is_allowed_is_remarked(
    tiny_line: TinyLine, leaky_run: Path, tmp_path: Path
) -> None:
    summary = train(tiny_line(), leaky_run, tmp_path / "run", allow_leak=True)
    assert any(
        remark.startswith("20 calibration or test images took part")
        for remark in summary["remarks"]
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.depth=3", "the backbone was pretrained with other `model` settings"),
        ("input.side_px=96", "the backbone was pretrained with other `input` settings"),
        ("train.blocks=[1, 3]", r"train.blocks \[1, 3\]: choose from 1 to 2, the blocks of this"),
        ("train.blocks=[0]", r"train.blocks \[0\]: choose from 1 to 2"),
    ],
)
def test_settings_that_do_not_fit_the_backbone_are_refused(
    override: str, message: str, tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=message):
        train(tiny_line(override), pretrained_run, tmp_path / "run")


def test_an_unfinished_pretraining_is_refused(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    unfinished = Path(shutil.copytree(pretrained_run, tmp_path / "unfinished"))
    (unfinished / "backbone.safetensors").unlink()
    with pytest.raises(RunError, match=r"no finished pretraining; go on with .* --resume"):
        train(tiny_line(), unfinished, tmp_path / "run")


def test_a_used_folder_is_refused(
    tiny_line: TinyLine, pretrained_run: Path, trained_run: Path
) -> None:
    with pytest.raises(RunError, match=r"is not empty; choose another --out for this train run\."):
        train(tiny_line(), pretrained_run, trained_run)


def test_a_pretraining_is_no_trained_line(pretrained_run: Path) -> None:
    with pytest.raises(RunError, match="no finished `inspect train` run"):
        load_trained(pretrained_run)


def test_a_damaged_model_is_refused(trained_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    model = run / "model.safetensors"
    model.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(RunError, match=r"model\.safetensors: is no readable checkpoint"):
        load_trained(run)


def test_a_model_of_other_settings_is_refused(trained_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    text = (run / "settings.yaml").read_text()
    (run / "settings.yaml").write_text(text.replace("depth: 2", "depth: 3", 1))
    with pytest.raises(
        RunError, match=r"run: the model is damaged: Error\(s\) in loading state_dict"
    ):
        load_trained(run)


def test_projected_features_may_be_fewer_than_asked_for(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("train.projected=64", "train.blocks=[1]")  # the block has 48
    train(line, pretrained_run, tmp_path / "run")
    head = load_trained(tmp_path / "run").model.head
    assert head.deviation.projection.shape == (48, 48)
    assert head.weight.shape[1] == 5 + 4 + 6 + 6 * 48


def test_without_a_block_named_the_one_two_thirds_up_is_looked_at(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    train(tiny_line("train.blocks=[]"), pretrained_run, tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    assert trained.settings.train.blocks == (1,), "of two blocks"
    assert trained.model.blocks == (1,)
