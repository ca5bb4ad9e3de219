"""Weights to start from bring settings of their own, which the line may still change."""

from pathlib import Path

import pytest

from span_train.contract.errors import SettingsError
from span_train.contract.settings import (
    LineSettings,
    dump_settings,
    read_settings,
    settings_from_dict,
)

BASE = {"name": "line", "images": ["images"]}
DINOV2 = {"name": "vit_small_patch14_dinov2", "weights": "weights.safetensors"}


def settings(**sections: object) -> LineSettings:
    return settings_from_dict({**BASE, **sections}, Path("/nowhere"), "test")


def test_a_line_without_weights_keeps_the_settings_for_scratch() -> None:
    scratch = settings(model={"name": "vit_small_patch14_dinov2"})
    assert scratch.pretrain == settings().pretrain
    assert scratch.pretrain.objective == "masked"
    assert scratch.train.blocks == (1,)


@pytest.mark.parametrize(
    "model", [DINOV2, {"name": "vit_small_patch14_dinov2", "pretrained": True}]
)
def test_weights_bring_gentler_settings(model: dict[str, object]) -> None:
    warm, scratch = settings(model=model), settings()
    assert warm.pretrain.objective == "steady"
    assert warm.pretrain.learning_rate < scratch.pretrain.learning_rate / 5
    assert warm.pretrain.layer_decay < 1.0 == scratch.pretrain.layer_decay
    assert warm.train.blocks == (), "two thirds up, once the depth is known"


def test_what_the_line_says_itself_stays() -> None:
    warm = settings(
        model=DINOV2,
        pretrain={"objective": "masked", "learning_rate": 3e-4},
        train={"blocks": [6, 8]},
    )
    assert warm.pretrain.objective == "masked"
    assert warm.pretrain.learning_rate == 3e-4
    assert warm.pretrain.layer_decay < 1.0
    assert warm.train.blocks == (6, 8)


def test_a_small_network_looks_at_its_first_block_again() -> None:
    warm = settings(model={"weights": "runs/pretrain/backbone.safetensors"})
    assert warm.pretrain.objective == "steady"
    assert warm.train.blocks == (1,)


def test_a_run_saves_what_was_used_and_reads_the_same_again(tmp_path: Path) -> None:
    warm = settings(model=DINOV2, pretrain={"steps": 7})
    (tmp_path / "settings.yaml").write_text(dump_settings(warm))
    assert "layer_decay: 0.75" in dump_settings(warm)
    assert read_settings(tmp_path / "settings.yaml") == warm


def test_weights_given_on_the_command_line_count_as_well(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text("name: line\nimages: [images]\n")
    warm = read_settings(tmp_path / "line.yaml", ("model.weights=own.safetensors",))
    assert warm.pretrain.objective == "steady"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"pretrain": {"objective": "steady"}}, "steady keeps what a pretrained network sees"),
        ({"model": {**DINOV2, "pretrained": True}}, "two ways to start; keep one"),
        ({"model": {"pretrained": True}}, "timm has no weights for `small`"),
        ({"model": DINOV2, "pretrain": [1]}, "pretrain: "),
        ({"model": DINOV2, "train": {"block": [8]}}, "did you mean `blocks`"),
    ],
)
def test_what_cannot_be_meant_is_refused(sections: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(**sections)
