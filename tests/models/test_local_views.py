"""Small views go through the same network, their places taken from the large view's."""

import timm
import torch

from span_train.models.backbone import Backbone, build_backbone
from span_train.models.local_views import local_class_tokens


def test_a_view_of_the_full_side_gives_the_backbones_own_class_token() -> None:
    for name in ("small", "vit_tiny_patch16_224"):
        torch.manual_seed(0)
        backbone = build_backbone(name, 64, width=24, depth=2, heads=4).eval()
        images_bchw = torch.rand(2, 3, 64, 64)
        with torch.no_grad():
            expected = backbone(images_bchw).class_bc
            torch.testing.assert_close(local_class_tokens(backbone, images_bchw), expected)


def test_a_small_view_is_what_timm_makes_of_it() -> None:
    torch.manual_seed(0)
    sizes = {"img_size": 64, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 4}
    dynamic = timm.models.VisionTransformer(**sizes, num_classes=0, dynamic_img_size=True).eval()
    fixed = timm.models.VisionTransformer(**sizes, num_classes=0).eval()
    fixed.load_state_dict(dynamic.state_dict())
    backbone = Backbone(fixed, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    images_bchw = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        expected = dynamic.forward_features(images_bchw)[:, 0]
        found = local_class_tokens(backbone, images_bchw)
    torch.testing.assert_close(found, expected)


def test_gradients_reach_the_places_of_the_large_view() -> None:
    backbone = build_backbone("small", 64, width=24, depth=2, heads=4)
    local_class_tokens(backbone, torch.rand(2, 3, 32, 32)).square().sum().backward()
    slope = backbone.vit.pos_embed.grad
    assert slope is not None
    assert (slope.abs().sum(-1) > 0).all()
