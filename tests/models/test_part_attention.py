"""The attention that is shown is the attention that the block uses."""

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from span_train.models.backbone import build_backbone
from span_train.models.part_attention import attention_row


def small_vit() -> VisionTransformer:
    return build_backbone("small", 32, width=48, depth=2, heads=6).vit


def vit_with_registers() -> VisionTransformer:
    return VisionTransformer(
        img_size=32,
        patch_size=8,
        embed_dim=48,
        depth=2,
        num_heads=4,
        num_classes=0,
        reg_tokens=3,
        qk_norm=True,
        qkv_bias=False,
    )


def block_attention(vit: VisionTransformer, tokens_btc: Tensor) -> Tensor:
    """The whole softmax (B, H, T, T) that timm's last block multiplies its values with."""
    seen: list[Tensor] = []
    attention = vit.blocks[-1].attn
    attention.fused_attn = False
    hook = attention.attn_drop.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    vit.blocks[-1](tokens_btc)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize("make", [small_vit, vit_with_registers])
def test_the_row_is_the_one_the_block_computes_over_its_patches(make) -> None:
    torch.manual_seed(0)
    vit = make()
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.2)
    prefix = vit.num_prefix_tokens
    tokens_btc = torch.randn(3, prefix + 16, 48)
    with torch.no_grad():
        found_bhn = attention_row(vit.blocks[-1], tokens_btc, prefix).softmax(-1)
        whole_bhtt = block_attention(vit, tokens_btc)
    for image in range(3):
        for head in range(whole_bhtt.shape[1]):
            row = [float(weight) for weight in whole_bhtt[image, head, 0]][prefix:]
            expected = torch.tensor(row) / sum(row)
            torch.testing.assert_close(found_bhn[image, head], expected, atol=1e-6, rtol=1e-5)
    assert found_bhn.std(-1).min() > 1e-3, "a flat row would fit anything"


def test_the_row_stays_in_32_bits_under_autocast() -> None:
    torch.manual_seed(0)
    vit = small_vit()
    tokens_btc = torch.randn(2, 17, 48)
    with torch.autocast("cpu", torch.bfloat16):
        row_bhn = attention_row(vit.blocks[-1], tokens_btc, 1)
    assert row_bhn.dtype == torch.float32
    assert (row_bhn != row_bhn.bfloat16().float()).float().mean() > 0.9


def test_the_row_has_a_gradient() -> None:
    vit = small_vit()
    attention_row(vit.blocks[-1], torch.randn(2, 17, 48), 1).square().sum().backward()
    slope = vit.blocks[-1].attn.qkv.weight.grad
    assert slope[:96].abs().sum() > 0
    assert slope[96:].abs().sum() == 0, "values play no part in where a head looks"
