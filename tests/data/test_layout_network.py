"""The sizes of a network are known before it is built, also of those that timm knows by name."""

import pytest

from span_train.contract.errors import InputError
from span_train.contract.settings import ModelSettings
from span_train.data.layout_network import network_size


def test_the_small_network_has_the_sizes_of_its_settings() -> None:
    size = network_size(ModelSettings(width=96, heads=12, patch_px=16))
    assert (size.heads, size.patch_px) == (12, 16)


@pytest.mark.parametrize(
    ("name", "heads", "patch_px"),
    [("vit_tiny_patch16_224", 3, 16), ("vit_small_patch14_dinov2", 6, 14)],
)
def test_a_timm_network_is_drafted(name: str, heads: int, patch_px: int) -> None:
    assert network_size(ModelSettings(name=name)) == (heads, patch_px)


def test_an_unknown_name_or_no_vit_is_refused() -> None:
    with pytest.raises(InputError, match="vit_nonsense: timm cannot make it"):
        network_size(ModelSettings(name="vit_nonsense"))
    with pytest.raises(InputError, match="resnet18: no plain VisionTransformer"):
        network_size(ModelSettings(name="resnet18"))
