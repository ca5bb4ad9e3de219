"""Settings lead to the objective they name, with what must not learn kept still."""

from collections.abc import Callable

import pytest
import torch

from span_train.contract.errors import InputError
from span_train.contract.pretrain_settings import PretrainSettings, SteadySettings
from span_train.models.backbone import Backbone, build_backbone
from span_train.pretrain.build import build_loop
from span_train.pretrain.make_objective import make_objective
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder
from span_train.pretrain.steady_features import SteadyFeatures
from span_train.pretrain.student_teacher import StudentTeacher


def backbone() -> Backbone:
    return build_backbone("small", 32, width=24, depth=3, heads=4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("masked", MaskedAutoencoder), ("dino", StudentTeacher), ("steady", SteadyFeatures)],
)
def test_each_name_has_its_objective(name: str, kind: type) -> None:
    made = make_objective(PretrainSettings(objective=name, frozen_blocks=2), backbone())
    assert type(made) is kind
    blocks = made.backbone.vit.blocks
    learning = [any(one.requires_grad for one in block.parameters()) for block in blocks]
    assert learning == [False, False, True]


def test_features_are_kept_two_thirds_up_unless_a_block_is_named() -> None:
    asked = PretrainSettings(objective="steady")
    assert make_objective(asked, backbone()).block == 2
    named = PretrainSettings(objective="steady", steady=SteadySettings(block=3))
    assert make_objective(named, backbone()).block == 3


def test_a_block_that_is_not_there_is_told_with_what_there_is() -> None:
    asked = PretrainSettings(objective="steady", steady=SteadySettings(block=4))
    with pytest.raises(InputError, match=r"steady\.block 4: the network has 3 blocks; .* for 2\."):
        make_objective(asked, backbone())


def test_all_blocks_frozen_is_refused() -> None:
    with pytest.raises(InputError, match=r"frozen_blocks 3: of the network's 3 blocks at least"):
        make_objective(PretrainSettings(frozen_blocks=3), backbone())


@pytest.mark.parametrize(
    ("precision", "short"), [("auto", False), ("float32", False), ("bfloat16", True)]
)
def test_a_cpu_computes_in_32_bits_unless_asked_for_less(
    tiny_line: Callable, precision: str, short: bool
) -> None:
    import numpy as np

    from span_train.data.line_layout import make_layout

    line = tiny_line(f"pretrain.precision={precision}")
    pixels = np.zeros((8, 64, 64, 3), np.uint8)
    loop = build_loop(line, make_layout(line, None), pixels, None, torch.device("cpu"))
    assert loop.plan.bfloat16 is short
