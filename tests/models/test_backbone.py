"""The network behind everything: what it returns, what it hides, and which networks it refuses."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from span_train.contract.errors import InputError, RunError
from span_train.models.backbone import Backbone, build_backbone


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    made = build_backbone("small", 32, patch_px=8, width=48, depth=3, heads=6).eval()
    torch.nn.init.normal_(made.vit.pos_embed)
    return made


@pytest.fixture(scope="module")
def images_bchw() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def by_hand(backbone: Backbone, image_chw: Tensor, visible: list[int]) -> Tensor:
    """Tokens after the final norm of one image, from the patches named alone."""
    vit, patch_px = backbone.vit, backbone.patch_px
    tokens = [vit.cls_token[0, 0] + vit.pos_embed[0, 0]]
    for number in visible:
        row, column = divmod(number, backbone.grid)
        top, left = row * patch_px, column * patch_px
        patch = image_chw[:, top : top + patch_px, left : left + patch_px]
        scaled = ((patch - 0.5) / 0.25)[None]
        tokens.append(vit.patch_embed.proj(scaled)[0, :, 0, 0] + vit.pos_embed[0, 1 + number])
    tokens_btc = torch.stack(tokens)[None]
    for block in vit.blocks:
        tokens_btc = block(tokens_btc)
    return vit.norm(tokens_btc)[0]


def test_visible_patches_alone_give_what_masking_by_hand_gives(
    backbone: Backbone, images_bchw: Tensor
) -> None:
    visible = [[5, 0, 14], [1, 2, 9]]
    with torch.no_grad():
        found = backbone(images_bchw, torch.tensor(visible))
        for image in range(2):
            expected = by_hand(backbone, images_bchw[image], visible[image])
            torch.testing.assert_close(found.class_bc[image], expected[0], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(found.patches_bvc[image], expected[1:], atol=1e-5, rtol=1e-5)
    assert found.attention_logits_bhv.shape == (2, 6, 3)


def test_hidden_patches_cannot_be_seen(backbone: Backbone, images_bchw: Tensor) -> None:
    visible_bv = torch.tensor([[0, 1], [2, 3]])
    changed = images_bchw.clone()
    changed[:, :, 8:] = 0.9
    with torch.no_grad():
        first, second = backbone(images_bchw, visible_bv), backbone(changed, visible_bv)
    torch.testing.assert_close(first.class_bc, second.class_bc)
    torch.testing.assert_close(first.attention_logits_bhv, second.attention_logits_bhv)


def test_all_patches_in_order_give_what_no_choice_gives(
    backbone: Backbone, images_bchw: Tensor
) -> None:
    with torch.no_grad():
        everything = backbone(images_bchw)
        chosen = backbone(images_bchw, torch.arange(16).expand(2, -1))
    torch.testing.assert_close(everything.class_bc, chosen.class_bc)
    torch.testing.assert_close(everything.patches_bvc, chosen.patches_bvc)
    torch.testing.assert_close(everything.attention_logits_bhv, chosen.attention_logits_bhv)


def test_blocks_come_in_the_order_asked_for(backbone: Backbone, images_bchw: Tensor) -> None:
    with torch.no_grad():
        last, first = backbone(images_bchw, blocks=(3, 1)).blocks_bvc
        vit = backbone.vit
        entered = vit._pos_embed(vit.patch_embed((images_bchw - 0.5) / 0.25))
        after_first = vit.blocks[0](entered)
        torch.testing.assert_close(first, after_first[:, 1:])
        after_last = vit.blocks[2](vit.blocks[1](after_first))
        torch.testing.assert_close(last, after_last[:, 1:])


def test_a_timm_network_is_taken_by_name() -> None:
    backbone = build_backbone("vit_tiny_patch16_224", 64)
    assert (backbone.grid, backbone.patch_px, backbone.heads, backbone.width) == (4, 16, 3, 192)
    with torch.no_grad():
        output = backbone(torch.rand(1, 3, 64, 64), blocks=(8,))
    assert output.attention_logits_bhv.shape == (1, 3, 16)
    assert output.blocks_bvc[0].shape == (1, 16, 192)


def test_weights_from_a_file_are_used(backbone: Backbone, tmp_path: Path) -> None:
    save_file(backbone.vit.state_dict(), tmp_path / "own.safetensors")
    torch.manual_seed(9)
    again = build_backbone(
        "small", 32, width=48, depth=3, heads=6, weights=tmp_path / "own.safetensors"
    )
    for name, tensor in again.vit.state_dict().items():
        assert torch.equal(tensor, backbone.vit.state_dict()[name]), name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"^model.name vit_nano: timm cannot make it"):
        build_backbone("vit_nano", 64)


def test_weights_that_cannot_be_fetched_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_internet(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(timm, "create_model", without_internet)
    with pytest.raises(
        InputError, match=r"its weights cannot be fetched \(ConnectionError\).*model\.weights\.$"
    ):
        build_backbone("vit_tiny_patch16_224", 64, pretrained=True)


@pytest.mark.parametrize(("depth", "middle"), [(2, 1), (6, 4), (12, 8), (24, 16)])
def test_the_middle_block_is_two_thirds_up(depth: int, middle: int) -> None:
    assert build_backbone("small", 32, width=24, depth=depth, heads=4).middle == middle


@pytest.mark.parametrize("side_px", [112, 168, 224])
def test_dinov2_takes_images_of_several_sizes(side_px: int) -> None:
    backbone = build_backbone("vit_small_patch14_dinov2", side_px)
    assert (backbone.grid, backbone.depth, backbone.heads) == (side_px // 14, 12, 6)
    visible_bv = torch.tensor([[0, 5, 9, backbone.grid**2 - 1]])
    with torch.no_grad():
        output = backbone(torch.rand(1, 3, side_px, side_px), visible_bv, blocks=(8,))
    assert output.attention_logits_bhv.shape == (1, 6, 4)
    assert output.blocks_bvc[0].shape == (1, 4, 384)


def test_a_network_that_is_no_vit_is_refused() -> None:
    with pytest.raises(InputError, match=r"^model.name resnet10t: "):
        build_backbone("resnet10t", 64)


def test_a_vit_without_a_class_token_is_refused() -> None:
    with pytest.raises(InputError, match="no plain VisionTransformer with a class token; use `sm"):
        build_backbone("vit_wee_patch16_reg1_gap_256", 64)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small", r"input.side_px 100 is no multiple of model.patch_px 8; use 96\."),
        (
            "vit_tiny_patch16_224",
            r"input.side_px 100 is no multiple of the patches of vit_tiny_patch16_224, 16; use 96",
        ),
    ],
)
def test_a_side_that_patches_do_not_fill_is_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_backbone(name, 100)


def test_weights_of_another_network_are_refused(backbone: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(backbone.vit.state_dict(), path)
    with pytest.raises(
        RunError, match=r"network: blocks.0.attn.proj.bias is \[48\], expected \[96"
    ):
        build_backbone("small", 32, width=96, depth=3, heads=6, weights=path)
    with pytest.raises(RunError, match=r"blocks.3.* is missing; .*set model\.\* to the network"):
        build_backbone("small", 32, width=48, depth=4, heads=6, weights=path)


@pytest.mark.parametrize("content", [None, b"no tensors"])
def test_a_weights_file_that_cannot_be_read_is_refused(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "broken.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"broken\.safetensors: is no readable safetensors file"):
        build_backbone("small", 32, weights=path)
