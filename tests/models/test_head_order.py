"""Heads change places; what the network computes does not."""

import copy

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from span_train.models.backbone import Backbone
from span_train.models.head_order import best_order, order_heads

ORDER = (2, 0, 3, 1)


def backbone(**changes: object) -> Backbone:
    torch.manual_seed(0)
    vit = VisionTransformer(
        img_size=32,
        patch_size=8,
        embed_dim=48,
        depth=2,
        num_heads=4,
        num_classes=0,
        init_values=0.3,
        **changes,
    )
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.2)
    return Backbone(vit, (0.5,) * 3, (0.25,) * 3).eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"qkv_bias": False},
        {"qk_norm": True, "reg_tokens": 3},
        {"scale_attn_norm": True},
    ],
)
def test_heads_in_another_order_compute_the_same(changes: dict[str, object]) -> None:
    before = backbone(**changes)
    after = copy.deepcopy(before)
    order_heads(after.vit.blocks[-1], ORDER)
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        said, again = before(images, blocks=(1, 2)), after(images, blocks=(1, 2))
    for own, moved in zip(
        (said.class_bc, said.patches_bvc, *said.blocks_bvc),
        (again.class_bc, again.patches_bvc, *again.blocks_bvc),
        strict=True,
    ):
        torch.testing.assert_close(moved, own, atol=1e-6, rtol=1e-6)
    rows, moved_rows = said.attention_logits_bhv, again.attention_logits_bhv
    torch.testing.assert_close(moved_rows, rows[:, list(ORDER)], atol=1e-6, rtol=1e-6)
    assert (rows - moved_rows).abs().max() > 0.1, "equal heads would fit any order"


def test_a_gate_moves_along() -> None:
    block = Block(48, 4, qkv_bias=True)
    block.attn.gate = nn.Linear(48, 48)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.2)
    tokens = torch.randn(2, 17, 48, generator=torch.Generator().manual_seed(2))
    moved = copy.deepcopy(block)
    order_heads(moved, ORDER)
    with torch.no_grad():
        torch.testing.assert_close(moved(tokens), block(tokens), atol=1e-5, rtol=1e-5)


def test_each_part_gets_a_head_of_its_own_by_the_product_of_lifts() -> None:
    # Head 0 is best for both parts; the sum of lifts would give it to the small part b (9 + 1).
    lift_hk = np.array([[4.0, 9.0], [1.0, 6.0], [0.5, 0.1]])
    assert best_order(lift_hk) == (0, 1, 2)
    assert best_order(lift_hk[::-1]) == (2, 1, 0)


def test_heads_already_in_place_stay() -> None:
    lift_hk = np.array([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0], [1.0, 1.0]])
    assert best_order(lift_hk) == (0, 1, 2, 3)


def test_a_head_that_never_looks_at_a_part_is_still_a_head() -> None:
    assert sorted(best_order(np.zeros((4, 2)))) == [0, 1, 2, 3]


def test_more_parts_than_heads_are_refused() -> None:
    with pytest.raises(ValueError, match="3 parts need as many heads, found 2"):
        best_order(np.ones((2, 3)))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 0, 1, 2), (1, 2, 3, 4)])
def test_an_order_that_loses_a_head_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not name each of 4 heads once"):
        order_heads(backbone().vit.blocks[-1], order)
