"""Early layers of a pretrained network learn more slowly than late ones, or not at all."""

import pytest
import torch

from span_train.models.backbone import build_backbone
from span_train.models.layer_rates import freeze_first, parameter_groups, rate_share


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("backbone.vit.pos_embed", 0.125),
        ("backbone.vit.patch_embed.proj.weight", 0.125),
        ("backbone.vit.norm_pre.weight", 0.125),
        ("backbone.vit.blocks.0.norm1.weight", 0.25),
        ("backbone.vit.blocks.1.attn.qkv.weight", 0.5),
        ("backbone.vit.blocks.2.mlp.fc1.bias", 1.0),
        ("backbone.vit.norm.weight", 1.0),
        ("decoder.blocks.0.attn.qkv.weight", 1.0),
        ("projection.last.weight", 1.0),
    ],
)
def test_each_block_learns_half_as_fast_as_the_next(name: str, share: float) -> None:
    assert rate_share(name, depth=3, decay=0.5) == share
    assert rate_share(name, depth=3, decay=1.0) == 1.0


def test_every_parameter_is_in_one_group_and_vectors_do_not_decay() -> None:
    backbone = build_backbone("small", 32, width=24, depth=3, heads=4)
    named = {f"backbone.{name}": one for name, one in backbone.named_parameters()}
    groups = parameter_groups(named, 3, decay=0.5, weight_decay=0.1)
    members = [one for group in groups for one in group["params"]]
    assert sorted(map(id, members)) == sorted(map(id, named.values()))
    for group in groups:
        assert {one.ndim > 1 for one in group["params"]} == {group["weight_decay"] == 0.1}
    assert {group["rate_share"] for group in groups} == {0.125, 0.25, 0.5, 1.0}


def test_without_decay_there_are_two_groups() -> None:
    backbone = build_backbone("small", 32, width=24, depth=3, heads=4)
    named = {f"backbone.{name}": one for name, one in backbone.named_parameters()}
    assert len(parameter_groups(named, 3, decay=1.0, weight_decay=0.1)) == 2


def test_frozen_blocks_get_no_gradient_and_the_others_do() -> None:
    backbone = build_backbone("small", 32, width=24, depth=3, heads=4)
    freeze_first(backbone, 2)
    output = backbone(torch.rand(2, 3, 32, 32))
    (output.class_bc.sum() + output.attention_logits_bhv.square().sum()).backward()
    learning = {name for name, one in backbone.named_parameters() if one.grad is not None}
    assert all(name.startswith(("vit.blocks.2.", "vit.norm.")) for name in learning)
    assert "vit.blocks.2.attn.qkv.weight" in learning


def test_nothing_is_frozen_unless_asked_for() -> None:
    backbone = build_backbone("small", 32, width=24, depth=3, heads=4)
    freeze_first(backbone, 0)
    assert all(one.requires_grad for one in backbone.parameters())


@pytest.mark.parametrize("blocks", [-1, 3])
def test_a_network_of_which_nothing_learns_is_refused(blocks: int) -> None:
    backbone = build_backbone("small", 32, width=24, depth=3, heads=4)
    with pytest.raises(ValueError, match="frozen leaves none to learn"):
        freeze_first(backbone, blocks)
