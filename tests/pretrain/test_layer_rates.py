"""The loop lets early layers learn more slowly than late ones, as the settings say."""

from collections.abc import Callable

import pytest

from span_train.pretrain.loop import PretrainLoop


def moved(loop: PretrainLoop) -> dict[str, float]:
    before = {name: one.detach().clone() for name, one in loop.trained.items()}
    loop.step(0)
    return {n: float((one.detach() - before[n]).abs().mean()) for n, one in loop.trained.items()}


def test_a_step_moves_early_blocks_by_their_share(make_loop: Callable[..., PretrainLoop]) -> None:
    # Adam's first step moves each number by the rate, whatever its gradient.
    name = "backbone.vit.blocks.{}.mlp.fc1.weight"
    even = moved(make_loop(weight_decay=0.0))
    slower = moved(make_loop(weight_decay=0.0, layer_decay=0.25))
    assert slower[name.format(1)] == pytest.approx(even[name.format(1)], rel=1e-3)
    assert slower[name.format(0)] == pytest.approx(even[name.format(0)] / 4, rel=1e-2)
