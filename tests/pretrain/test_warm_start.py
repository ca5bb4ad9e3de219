"""On a warm start each part gets, once, the head that looks at it most."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from span_train.contract.errors import InputError
from span_train.contract.layout import Layout
from span_train.contract.settings import LineSettings
from span_train.models.backbone import build_backbone
from span_train.models.head_order import order_heads
from span_train.pretrain.run import pretrain
from span_train.pretrain.warm_start import give_parts_their_heads, mean_lift

SIDE_PX = 32
SHUFFLED = (4, 1, 5, 0, 2, 3)


def halves() -> Layout:
    masks_khw = np.zeros((2, SIDE_PX, SIDE_PX), np.float32)
    masks_khw[0, :16], masks_khw[1, 16:] = 1.0, 1.0
    return Layout(("upper", "lower"), masks_khw, "exemplar")


def bright_top(count: int = 6) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 60, (count, SIDE_PX, SIDE_PX, 3), np.uint8)
    pixels[:, :16] += 180
    return pixels


def network():
    torch.manual_seed(3)
    made = build_backbone("small", SIDE_PX, width=48, depth=2, heads=6)
    with torch.no_grad():
        made.vit.pos_embed.normal_()
        made.vit.blocks[-1].attn.qkv.weight.normal_(std=0.5)
    return made.eval()


def test_the_parts_heads_come_first_and_their_lift_is_the_best_there_is() -> None:
    backbone = network()
    before_hk = mean_lift(backbone, halves(), bright_top(), "stretch", seed=0)
    give_parts_their_heads(backbone, halves(), bright_top(), "stretch", seed=0)
    after_hk = mean_lift(backbone, halves(), bright_top(), "stretch", seed=0)
    (upper, first, lift), (lower, second, _) = backbone.start.heads
    assert (upper, lower) == ("upper", "lower")
    np.testing.assert_allclose(after_hk[0], before_hk[first], rtol=1e-5)
    np.testing.assert_allclose(after_hk[1], before_hk[second], rtol=1e-5)
    assert lift == pytest.approx(before_hk[first, 0], abs=1e-3)
    products = before_hk[:, None, 0] * before_hk[None, :, 1]
    np.fill_diagonal(products, 0.0)
    assert products[first, second] == products.max()
    assert "part upper starts on what was head" in backbone.start.in_words()[0]


def test_shuffled_heads_find_their_parts_again() -> None:
    backbone, shuffled = network(), network()
    order_heads(shuffled.vit.blocks[-1], SHUFFLED)
    for made in (backbone, shuffled):
        give_parts_their_heads(made, halves(), bright_top(), "stretch", seed=0)
    for (_, own, lift), (_, other, same) in zip(
        backbone.start.heads, shuffled.start.heads, strict=True
    ):
        assert (SHUFFLED[other], same) == (own, lift)


def weights_of(run: Path, target: Path) -> Path:
    save_file(load_file(run / "backbone.safetensors"), target)
    return target


def test_a_run_on_given_weights_tells_where_it_started(
    tiny_line: Callable[..., LineSettings], pretrained_run: Path, tmp_path: Path
) -> None:
    file = weights_of(pretrained_run, tmp_path / "before.safetensors")
    line = tiny_line(f"model.weights={file}", "pretrain.steps=1", "pretrain.frozen_blocks=1")
    pretrain(line, tmp_path / "run")
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["start"]["weights"] == "before.safetensors"
    assert [part for part, *_ in told["start"]["heads"]] == [
        "body", "left_lead", "marking", "right_lead",
    ]  # fmt: skip
    assert sum("starts on what was head" in remark for remark in told["remarks"]) == 4
    kept, now = load_file(file), load_file(tmp_path / "run" / "backbone.safetensors")
    for name in ("vit.pos_embed", "vit.blocks.0.mlp.fc1.weight"):
        torch.testing.assert_close(now[name], kept[name], atol=1e-6, rtol=1e-6)
    assert not torch.equal(
        now["vit.blocks.1.attn.qkv.weight"], kept["vit.blocks.1.attn.qkv.weight"]
    )


def test_a_run_from_scratch_moves_no_heads(pretrained_run: Path) -> None:
    told = json.loads((pretrained_run / "run.json").read_text())
    assert told["start"] == {"weights": "random", "sha256": "", "remarks": [], "heads": []}


def test_freezing_every_block_is_refused(
    tiny_line: Callable[..., LineSettings], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"frozen_blocks 2: of the network's 2 blocks at least"):
        pretrain(tiny_line("pretrain.frozen_blocks=2"), tmp_path / "run")
