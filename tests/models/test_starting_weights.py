"""Weights made for images of another size, or by another program, fit; anything else is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from span_train.contract.errors import RunError
from span_train.models.backbone import Backbone, build_backbone
from span_train.models.starting_weights import load_weights

Tensors = dict[str, Tensor]
SaveTensors = Callable[[Tensors], Path]


@pytest.fixture
def save(tmp_path: Path) -> SaveTensors:
    def write(tensors: Tensors) -> Path:
        file = tmp_path / "weights.safetensors"
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, file)
        return file

    return write


def network(side_px: int = 32, **changes: object) -> VisionTransformer:
    sizes = {"patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 4, "num_classes": 0}
    vit = VisionTransformer(img_size=side_px, **{**sizes, **changes})
    for parameter in vit.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return vit


def random_images(side_px: int) -> Tensor:
    return torch.rand(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(1))


def test_weights_that_fit_are_taken_as_they_are(save: SaveTensors) -> None:
    made, fresh = network(), network()
    start = load_weights(fresh, save(made.state_dict()))
    assert start.weights == "weights.safetensors"
    assert len(start.sha256) == 64
    assert start.remarks == ()
    for name, tensor in made.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    "changes", [{}, {"reg_tokens": 4}, {"reg_tokens": 4, "no_embed_class": True}]
)
def test_places_of_another_image_size_are_resampled(
    save: SaveTensors, changes: dict[str, object]
) -> None:
    made, larger = network(32, **changes), network(72, **changes)
    start = load_weights(larger, save(made.state_dict()))
    assert start.remarks == ("position embeddings resampled from 4x4 to 9x9 patches",)
    prefix = 0 if made.no_embed_class else made.num_prefix_tokens
    expected = resample_abs_pos_embed(made.pos_embed, [9, 9], num_prefix_tokens=prefix)
    torch.testing.assert_close(larger.pos_embed, expected)
    torch.testing.assert_close(larger.pos_embed[:, :prefix], made.pos_embed[:, :prefix])
    assert torch.equal(larger.cls_token, made.cls_token)


@pytest.mark.parametrize("wrapper", ["module.", "model.", "backbone.", "vit.", "module.model."])
def test_the_name_of_the_whole_before_every_tensor_is_removed(
    save: SaveTensors, wrapper: str
) -> None:
    made, fresh = network(), network()
    wrapped = {f"{wrapper}{name}": tensor for name, tensor in made.state_dict().items()}
    start = load_weights(fresh, save(wrapped))
    assert start.remarks == (f"names without `{wrapper}`",)
    assert torch.equal(fresh.pos_embed, made.pos_embed)


def test_a_pretraining_runs_backbone_is_a_weights_file(pretrained_run: Path) -> None:
    sizes = {"width": 48, "depth": 2, "heads": 6}
    file = pretrained_run / "backbone.safetensors"
    same = build_backbone("small", 64, **sizes, weights=file)
    assert same.start.remarks == ("names without `vit.`",)
    larger = build_backbone("small", 96, **sizes, weights=file)
    assert larger.grid == 12
    assert torch.equal(larger.vit.blocks[1].mlp.fc1.weight, same.vit.blocks[1].mlp.fc1.weight)


def test_a_classifier_is_left_out(save: SaveTensors) -> None:
    made, fresh = network(num_classes=5), network()
    start = load_weights(fresh, save(made.state_dict()))
    assert start.remarks == ("head.weight and head.bias left out",)


def test_dinov2s_own_names_are_understood(save: SaveTensors) -> None:
    made = network(reg_tokens=4, no_embed_class=True)
    tensors = dict(made.state_dict())
    places = tensors.pop("pos_embed")
    of_class = torch.full((1, 1, 24), 0.25)
    tensors["cls_token"] = tensors["cls_token"] - of_class
    tensors["register_tokens"] = tensors.pop("reg_token")
    tensors["pos_embed"] = torch.cat([of_class, places], dim=1)
    tensors["mask_token"] = torch.zeros(1, 24)
    fresh = network(reg_tokens=4, no_embed_class=True)
    load_weights(fresh, save(tensors))
    fresh.eval(), made.eval()
    with torch.no_grad():
        torch.testing.assert_close(fresh(random_images(32)), made(random_images(32)))


def test_a_network_beside_others_is_refused(save: SaveTensors) -> None:
    tensors = {f"backbone.{name}": tensor for name, tensor in network().state_dict().items()}
    tensors["decoder.weight"] = torch.zeros(3)
    with pytest.raises(RunError, match=r"keep the tensors below `backbone\.` alone"):
        load_weights(network(), save(tensors))


def test_patches_of_another_size_are_another_network(save: SaveTensors) -> None:
    with pytest.raises(RunError, match=r"its patches have 4 px, expected 8; set model\.\*"):
        load_weights(network(), save(network(patch_size=4).state_dict()))


def test_numbers_that_are_not_finite_are_refused(save: SaveTensors) -> None:
    tensors = dict(network().state_dict())
    tensors["norm.weight"] = torch.full((24,), float("nan"))
    with pytest.raises(RunError, match=r"norm\.weight holds numbers that are not finite"):
        load_weights(network(), save(tensors))


def test_places_that_fill_no_square_are_refused(save: SaveTensors) -> None:
    tensors = dict(network().state_dict())
    tensors["pos_embed"] = torch.zeros(1, 14, 24)
    with pytest.raises(RunError, match=r"pos_embed is \[1, 14, 24\], expected \[1, 17, 24\]"):
        load_weights(network(), save(tensors))


def test_an_empty_file_is_refused(save: SaveTensors) -> None:
    with pytest.raises(RunError, match=r"is missing.*\(and \d+ more\)"):
        load_weights(network(), save({}))


def test_the_start_tells_in_words_what_was_done(save: SaveTensors) -> None:
    made = network(32)
    wrapped = {f"vit.{name}": tensor for name, tensor in made.state_dict().items()}
    start = load_weights(network(64), save(wrapped))
    first, second = start.in_words()
    assert first == "starting weights weights.safetensors: names without `vit.`"
    assert second.endswith("position embeddings resampled from 4x4 to 8x8 patches")


def test_random_weights_have_nothing_to_tell() -> None:
    backbone: Backbone = build_backbone("small", 32, width=24, depth=2, heads=4)
    assert backbone.start.weights == "random"
    assert backbone.start.in_words() == ()
