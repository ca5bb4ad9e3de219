"""The objective of a warm start keeps what a middle block sees, and lets the heads move."""

import copy

import pytest
import torch
from torch import Tensor

from span_train.losses.steady_features import steady_features_loss
from span_train.models.backbone import Backbone, build_backbone
from span_train.pretrain.batches import Share
from span_train.pretrain.steady_features import SteadyFeatures, in_other_light

PLACES = 16


def backbone() -> Backbone:
    torch.manual_seed(0)
    made = build_backbone("small", 32, width=24, depth=3, heads=4)
    torch.nn.init.normal_(made.vit.pos_embed)
    return made


def share(images: int = 4) -> Share:
    random = torch.Generator().manual_seed(1)
    view = torch.rand(images, 3, 32, 32, generator=random)
    priors = torch.rand(images, 2, PLACES, generator=random)
    draws = torch.rand(images, PLACES + 3, generator=random, dtype=torch.float64)
    return Share(slice(0, images), [view], [priors], draws)


def test_all_patches_in_the_same_light_have_lost_nothing_at_the_start() -> None:
    objective = SteadyFeatures(backbone(), block=2, visible=1.0, light=0.0)
    assert float(objective(share(), 0.0).loss.detach()) < 1e-10


def test_the_loss_compares_visible_patches_with_the_whole_view_in_its_own_light() -> None:
    objective = SteadyFeatures(backbone(), block=2, visible=0.5, light=0.4)
    given = share()
    visible_bv = given.draws_bn[:, :PLACES].argsort(dim=1)[:, :8]
    changed = in_other_light(given.views[0], given.draws_bn[:, PLACES:], 0.4)
    with torch.no_grad():
        own = objective.backbone(changed, visible_bv, blocks=(2,)).blocks_bvc[0]
        whole = backbone()(given.views[0], blocks=(2,)).blocks_bvc[0]
        expected = steady_features_loss(
            own, torch.stack([whole[image, visible_bv[image]] for image in range(4)])
        )
        result = objective(given, 0.0)
    torch.testing.assert_close(result.loss, expected)
    assert float(expected) > 1e-3
    assert result.attention_logits_bhn.shape == (4, 4, 8)
    assert objective.seen_prior(given).shape == (4, 2, 8)


def test_the_starting_network_stays_and_the_average_follows() -> None:
    objective = SteadyFeatures(backbone(), block=2, visible=0.5, light=0.4)
    start = copy.deepcopy(objective.kept.state_dict())
    with torch.no_grad():
        for one in objective.backbone.parameters():
            one.add_(1.0)
    objective.follow(0.5, {})
    for name, tensor in objective.kept.state_dict().items():
        assert torch.equal(tensor, start[name]), name
    moved = objective.teacher.vit.cls_token - backbone().vit.cls_token
    torch.testing.assert_close(moved, torch.full_like(moved, 0.5))
    assert not any(one.requires_grad for one in objective.kept.parameters())


def test_blocks_that_nobody_asks_for_are_not_carried_along() -> None:
    objective = SteadyFeatures(backbone(), block=2, visible=0.5, light=0.4)
    assert len(objective.kept.vit.blocks) == 2
    assert len(objective.teacher.vit.blocks) == 3


def test_the_features_up_to_the_block_get_a_gradient_and_later_ones_none() -> None:
    objective = SteadyFeatures(backbone(), block=2, visible=0.5, light=0.4)
    objective(share(), 0.0).loss.backward()
    learning = {name for name, one in objective.backbone.named_parameters() if one.grad is not None}
    assert "vit.blocks.1.mlp.fc2.weight" in learning
    assert not any(name.startswith("vit.blocks.2.") for name in learning)


@pytest.mark.parametrize("block", [0, 4])
def test_a_block_that_is_not_there_is_refused(block: int) -> None:
    with pytest.raises(ValueError, match=f"block {block}, expected 1 to 3"):
        SteadyFeatures(backbone(), block=block, visible=0.5, light=0.4)


def middle_grey(value: float = 0.4) -> Tensor:
    images = torch.full((1, 3, 4, 4), value)
    images[:, :, :2] += 0.2
    images[:, :, 2:] -= 0.2
    return images


def test_draws_in_the_middle_change_no_light() -> None:
    images = middle_grey()
    torch.testing.assert_close(in_other_light(images, torch.full((1, 3), 0.5), 0.5), images)
    torch.testing.assert_close(in_other_light(images, torch.rand(1, 3), 0.0), images)


@pytest.mark.parametrize(
    ("draws", "bright", "dark"),
    [
        ([1.0, 0.5, 0.5], 0.7, 0.1),  # contrast: 0.4 ± 0.2 * 1.5
        ([0.5, 1.0, 0.5], 0.8, 0.4),  # brightness: 0.2 more everywhere
        ([0.5, 0.5, 1.0], 0.6**1.6487213, 0.2**1.6487213),  # gamma e ** 0.5
    ],
)
def test_each_draw_changes_one_thing(draws: list[float], bright: float, dark: float) -> None:
    changed = in_other_light(middle_grey(), torch.tensor([draws]), 0.5)
    assert float(changed[0, 0, 0, 0]) == pytest.approx(bright, abs=1e-5)
    assert float(changed[0, 0, 3, 0]) == pytest.approx(dark, abs=1e-5)


def test_light_stays_within_what_a_camera_can_say() -> None:
    images = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    changed = in_other_light(images, torch.rand(8, 3), 0.9)
    assert float(changed.min()) >= 0.0
    assert float(changed.max()) <= 1.0
