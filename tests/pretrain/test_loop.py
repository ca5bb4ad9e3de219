"""One training step: what it moves, what it leaves alone, and that nothing but its keys decides."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from span_train.contract.errors import RunError
from span_train.losses.part_prior import PartPriorLoss
from span_train.pretrain.loop import PretrainLoop
from span_train.pretrain.step_report import StepReport

MakeLoop = Callable[..., PretrainLoop]
OBJECTIVES = pytest.mark.parametrize("objective", ["masked", "dino"])


def measured(report: StepReport) -> dict[str, object]:
    """All of a report but its times."""
    return {name: v for name, v in report.__dict__.items() if name not in ("data_s", "step_s")}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@OBJECTIVES
def test_two_steps_change_the_student_and_move_the_teacher(
    objective: str, make_loop: MakeLoop
) -> None:
    loop = make_loop(objective)
    before = {name: tensor.clone() for name, tensor in loop.module.state_dict().items()}
    reports = [loop.step(0), loop.step(1)]
    for report in reports:
        assert np.isfinite([report.loss, report.objective_loss, report.prior_loss]).all()
        assert report.loss > report.objective_loss
        assert report.gradient_norm > 0
        assert len(report.adherence) == 2
        assert all(0 < share < 1 for share in report.adherence)
    after = loop.module.state_dict()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert {"backbone.vit.blocks.0.mlp.fc1.weight", "teacher.vit.blocks.0.mlp.fc1.weight"} <= moved
    fixed = set(before) - moved
    assert not {name for name in fixed if name.startswith("backbone.vit.blocks")}


def test_the_teacher_is_the_running_mean_of_the_student(make_loop: MakeLoop) -> None:
    loop = make_loop()
    name = "vit.blocks.1.attn.qkv.weight"
    old = loop.objective.teacher.state_dict()[name].clone()
    loop.step(0)
    student = loop.module.state_dict()[f"backbone.{name}"]
    momentum = 1 / 10  # of step 0: a running mean at first
    expected = momentum * old + (1 - momentum) * student
    torch.testing.assert_close(loop.objective.teacher.state_dict()[name], expected)


@OBJECTIVES
def test_the_same_seed_gives_the_same_loss(objective: str, make_loop: MakeLoop) -> None:
    first, second = make_loop(objective), make_loop(objective)
    for step in range(3):
        torch.rand(step + 1)  # global randomness plays no part
        assert measured(first.step(step)) == measured(second.step(step))
    assert same(first.state(), second.state())


def test_another_seed_gives_another_loss(make_loop: MakeLoop) -> None:
    assert make_loop(seed=0).step(0).loss != make_loop(seed=1).step(0).loss


@OBJECTIVES
def test_a_prior_weight_of_zero_is_exactly_the_objective(
    objective: str, make_loop: MakeLoop
) -> None:
    loop, alone, held = (
        make_loop(objective, prior_weight=weight, spread_weight=0.0, clip_gradient=1e9)
        for weight in (0.0, 0.0, 0.3)
    )
    (share,), _ = alone.batches.of_step(0)
    result = alone.objective(share, 0.0)
    result.loss.backward()
    report = loop.step(0)
    held.step(0)
    assert report.loss == report.objective_loss == float(result.loss.detach())
    for name, parameter in alone.trained.items():
        found = loop.trained[name].grad
        assert (found is None) == (parameter.grad is None), name
        assert found is None or torch.equal(found, parameter.grad), name
    last = "backbone.vit.blocks.1.attn.qkv.weight"
    assert not torch.equal(held.trained[last].grad, loop.trained[last].grad)


@OBJECTIVES
def test_a_loop_from_a_saved_state_goes_on_as_if_nothing_had_happened(
    objective: str, make_loop: MakeLoop
) -> None:
    whole = make_loop(objective)
    expected = [measured(whole.step(step)) for step in range(4)]
    first = make_loop(objective)
    for step in range(2):
        first.step(step)
    saved = {name: tensor.clone() for name, tensor in first.state().items()}
    second = make_loop(objective, weights=99)
    second.load_state(saved)
    found = [measured(second.step(step)) for step in (2, 3)]
    assert found == expected[2:]
    assert same(second.state(), whole.state())


@pytest.mark.parametrize("accumulate", [2, 3])
@OBJECTIVES
def test_a_batch_computed_in_shares_follows_one_computed_at_once(
    objective: str, accumulate: int, make_loop: MakeLoop
) -> None:
    how = {"batch_size": 5, "spread_weight": 0.1}
    whole, shared = (
        make_loop(objective, accumulate=count, local_views=1, **how) for count in (1, accumulate)
    )
    for step in range(10):
        expected, found = measured(whole.step(step)), measured(shared.step(step))
        for name in ("loss", "objective_loss", "prior_loss", "gradient_norm", "adherence"):
            assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-6), (step, name)
        assert found["health"] == pytest.approx(expected["health"], rel=1e-3, abs=1e-5)


def test_a_state_of_another_objective_is_refused(make_loop: MakeLoop) -> None:
    loop = make_loop("dino")
    before = {name: tensor.clone() for name, tensor in loop.state().items()}
    with pytest.raises(RunError, match=r"another network or objective: .* is missing; .* more\)"):
        loop.load_state(make_loop("masked").state())
    assert same(loop.state(), before)


def test_a_state_of_another_architecture_is_refused_by_name(make_loop: MakeLoop) -> None:
    other = make_loop().state()
    other["objective.backbone.vit.pos_embed"] = torch.zeros(1, 65, 24)
    message = r"backbone\.vit\.pos_embed is \[1, 65, 24\], expected \[1, 17, 24\]; resume it with"
    with pytest.raises(RunError, match=message):
        make_loop().load_state(other)


def test_an_objective_that_is_not_finite_stops_the_run_by_name(make_loop: MakeLoop) -> None:
    loop = make_loop()
    loop.step(0)
    nn.init.constant_(loop.trained["decoder.leave.bias"], float("inf"))
    with pytest.raises(RunError, match=r"^step 1: the objective loss is inf; lower pretrain\.lea"):
        loop.step(1)


def test_a_prior_that_is_not_finite_stops_the_run_by_name(make_loop: MakeLoop) -> None:
    class BrokenPrior(PartPriorLoss):
        def total(self, attention_logits_bhn: Tensor, prior_bkn: Tensor) -> Tensor:
            return super().total(attention_logits_bhn, prior_bkn) * torch.nan

    loop = make_loop()
    loop.prior_loss = BrokenPrior()
    with pytest.raises(RunError, match=r"^step 0: the prior loss is nan"):
        loop.step(0)


def test_a_gradient_that_is_not_finite_stops_the_run_before_it_spoils_the_weights(
    make_loop: MakeLoop,
) -> None:
    loop = make_loop()
    loop.trained["backbone.vit.pos_embed"].register_hook(lambda slope: slope * torch.inf)
    before = {name: tensor.clone() for name, tensor in loop.module.state_dict().items()}
    with pytest.raises(RunError, match=r"^step 0: the gradient is (nan|inf)"):
        loop.step(0)
    assert same(loop.module.state_dict(), before)


def test_norms_and_biases_are_not_decayed(make_loop: MakeLoop) -> None:
    decayed, free = make_loop().optimiser.param_groups
    assert decayed["weight_decay"] > 0
    assert free["weight_decay"] == 0
    assert all(parameter.ndim == 1 for parameter in free["params"])
    assert all(parameter.ndim > 1 for parameter in decayed["params"])
