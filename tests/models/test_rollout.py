"""Attention rollout against the definition in the paper, on a network whose attention is known."""

import torch
from torch import Tensor

from span_train.models.backbone import Backbone, build_backbone
from span_train.models.rollout import attention_rollout


def network(depth: int) -> Backbone:
    torch.manual_seed(0)
    return build_backbone("small", 32, width=48, depth=depth, heads=4).eval()


def images() -> Tensor:
    return torch.randint(0, 256, (3, 32, 32, 3), generator=torch.Generator().manual_seed(1)).byte()


def test_with_one_block_it_is_half_the_mean_attention_of_the_class_token() -> None:
    backbone = network(depth=2)
    backbone.vit.blocks = backbone.vit.blocks[:1]
    backbone.depth = 1
    seen = backbone(images().permute(0, 3, 1, 2).float() / 255)
    found = attention_rollout(backbone, images())
    ratio = found / seen.attention_logits_bhv.softmax(-1).mean(1)
    assert found.shape == (3, 16)
    # The row over patches alone and the row with the class token differ by a factor an image and
    # head; with attention near uniform, as at the start, by nearly the same one.
    assert (ratio.std(1) / ratio.mean(1)).max() < 0.02
    assert ((found.sum(1) > 0.3) & (found.sum(1) < 0.5)).all()


def test_even_attention_spreads_evenly_what_left_the_class_token() -> None:
    backbone = network(depth=3)
    with torch.no_grad():
        for block in backbone.vit.blocks:
            block.attn.qkv.weight.zero_()
            block.attn.qkv.bias.zero_()
    uniform = attention_rollout(backbone, images())
    # (A + I) / 2 three times, A the mean of 17 tokens: what left the class token is spread evenly.
    expected = (1 - 0.5**3) / 17
    torch.testing.assert_close(uniform, torch.full((3, 16), expected))
