"""The words that tell a training that learns from one that has collapsed or diverged."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from span_train.pretrain.health import HealthWatch, summarise
from span_train.pretrain.loop import PretrainLoop
from span_train.pretrain.step_report import StepReport

MakeLoop = Callable[..., PretrainLoop]
UNIFORM = 6.931


def report(step: int = 7, adherence: tuple[float, ...] = (0.5,), **health: float) -> StepReport:
    numbers = {"objective": 1.0, "prior": 0.3, "gradient": 0.8}
    objective, prior, gradient = (health.pop(name, number) for name, number in numbers.items())
    return StepReport(
        step, 1.3, objective, prior, adherence, gradient, 1e-3, 0.1, 0.4, 32, dict(health)
    )


def named(numbers: dict[str, list[float]], warmup: int = 0, has_prior: bool = True) -> list[str]:
    """What is said over steps whose numbers are these; the last ones go on."""
    watch, found = HealthWatch(warmup, has_prior), []
    for step in range(max(len(series) for series in numbers.values())):
        at = {name: series[min(step, len(series) - 1)] for name, series in numbers.items()}
        found += watch.observe(report(step, **at))
    return found


def test_a_spread_near_zero_is_called_a_collapse() -> None:
    found = named({"feature_spread": [0.5] * 20 + [0.004] * 30})
    assert found == [
        "step 29: feature spread 0.0040 is near 0, all images look the same to the network "
        "(collapse); lower pretrain.learning_rate or raise pretrain.feature_spread."
    ]


def test_one_step_without_spread_is_no_collapse() -> None:
    assert named({"feature_spread": [0.5] * 20 + [0.0] + [0.5] * 30}) == []


@pytest.mark.parametrize(("entropy", "warned"), [(6.93, True), (6.5, False), (0.1, False)])
def test_a_teacher_that_says_nothing_is_called_a_collapse(entropy: float, warned: bool) -> None:
    teacher = [2.0] * 20 + [entropy] * 30
    found = named({"teacher_entropy": teacher, "uniform_loss": [UNIFORM], "objective": [3.0]})
    assert bool(found) is warned
    if warned:
        assert "entropy 6.930 is pinned at ln(outputs) 6.931 (collapse)" in found[0]
        assert found[0].endswith("or use objective: masked.")


def test_a_teacher_that_says_the_same_of_every_image_is_called_a_collapse() -> None:
    numbers = {"teacher_entropy": [0.05], "uniform_loss": [UNIFORM], "objective": [0.06]}
    (found,) = named({"teacher_information": [2.0] * 20 + [0.03] * 30, **numbers})
    assert "tells 0.030 nats about which image it is, nearly nothing (collapse)" in found
    assert named({"teacher_information": [2.0] * 20 + [0.5] * 30, **numbers}) == []


def test_a_loss_pinned_at_what_a_mute_student_pays_is_named_once_warm() -> None:
    numbers = {"objective": [6.92] * 200, "uniform_loss": [UNIFORM], "teacher_entropy": [4.0]}
    (found,) = named(numbers, warmup=100)
    assert found.startswith("step 139: the loss 6.920 has been pinned at ln(outputs) 6.931 for 40")
    numbers["objective"] = [6.92] * 120 + [6.5] * 80  # it was still on its way
    assert named(numbers, warmup=100) == []


@pytest.mark.parametrize("name", ["objective", "prior"])
def test_a_loss_that_rises_far_above_its_best_is_called_a_divergence(name: str) -> None:
    falling = [2.0 - 0.03 * step for step in range(50)]
    (found,) = named({name: falling + [1.4] * 40})
    assert found.startswith("step 5")  # within ten steps
    assert f"the {name} loss" in found
    assert "far above the 0.6" in found
    assert "(divergence); lower pretrain.learning_rate" in found


def test_a_prior_that_nothing_is_held_to_may_rise() -> None:
    rising = [2.0 - 0.03 * step for step in range(50)] + [1.4] * 40
    assert named({"prior": rising}, has_prior=False) == []


def test_self_distillation_may_get_harder_but_not_worse_than_saying_nothing() -> None:
    well = {"uniform_loss": [UNIFORM], "teacher_entropy": [3.0]}
    assert named({"objective": [0.3] * 20 + [6.0] * 20, **well}) == []
    (found,) = named({"objective": [3.0] * 20 + [9.0] * 20, **well})
    assert "(divergence)" in found


def test_a_small_loss_may_waver() -> None:
    assert named({"prior": [0.9 * 0.9**step + 0.03 for step in range(60)] + [0.07] * 40}) == []


def test_an_exploding_gradient_is_named_and_a_single_large_one_is_not() -> None:
    usual = [1.0, 1.4, 0.7] * 20
    (found,) = named({"gradient": usual + [40.0] * 20})
    assert found.startswith("step 64: gradient norm 20.7 is far above the usual 1 (divergence)")
    assert named({"gradient": usual + [80.0] + usual}) == []


def test_a_trouble_is_named_again_only_when_it_comes_back() -> None:
    well, ill = [0.5] * 30, [0.001] * 300
    assert len(named({"feature_spread": well + ill})) == 1
    assert len(named({"feature_spread": well + ill + [0.5] * 80 + ill})) == 2


@pytest.mark.parametrize("objective", ["masked", "dino"])
def test_a_healthy_loop_gives_no_warning(objective: str, make_loop: MakeLoop) -> None:
    calm = {"spread_weight": 1.0, "learning_rate": 3e-4} if objective == "dino" else {}
    loop, watch = make_loop(objective, steps=60, **calm), HealthWatch(warmup=6)
    assert [said for step in range(60) for said in watch.observe(loop.step(step))] == []


def said_within_50_steps(loop: PretrainLoop, watch: HealthWatch, first: int) -> str:
    """What a real loop hears first."""
    for step in range(first, first + 50):
        for said in watch.observe(loop.step(step)):
            return said
    return "nothing"


def test_a_real_loop_whose_teacher_goes_mute_is_named_within_50_steps(
    make_loop: MakeLoop,
) -> None:
    calm = {"spread_weight": 1.0, "learning_rate": 3e-4}
    loop, watch = make_loop("dino", steps=100, **calm), HealthWatch(warmup=10)
    for step in range(30):
        assert watch.observe(loop.step(step)) == []
    for layers in (loop.objective.teacher_projection, loop.objective.projection):
        for parameter in layers.mlp[-1].parameters():
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
    said = said_within_50_steps(loop, watch, 30)
    assert "pinned at ln(outputs) 3.466" in said or "about which image it is" in said


def test_a_real_loop_to_which_all_images_look_the_same_is_named_within_50_steps(
    make_loop: MakeLoop,
) -> None:
    loop, watch = make_loop("masked", steps=100), HealthWatch(warmup=10)
    for step in range(20):
        assert watch.observe(loop.step(step)) == []
    norm = loop.objective.backbone.vit.norm
    nn.init.zeros_(norm.weight)
    nn.init.ones_(norm.bias)
    norm.requires_grad_(False)
    loop.optimiser.param_groups[:] = [  # what is set stays set
        {**group, "params": [p for p in group["params"] if p.requires_grad]}
        for group in loop.optimiser.param_groups
    ]
    assert "near 0, all images look the same" in said_within_50_steps(loop, watch, 20)


def test_a_real_loop_that_diverges_is_named_within_50_steps(make_loop: MakeLoop) -> None:
    loop, watch = make_loop("masked", steps=200), HealthWatch(warmup=20)
    for step in range(60):
        assert watch.observe(loop.step(step)) == []
    with torch.no_grad():
        loop.trained["decoder.leave.weight"].mul_(30)
    assert "(divergence)" in said_within_50_steps(loop, watch, 60)


def test_the_summary_counts_speed_over_all_steps_and_waiting_for_data() -> None:
    reports = [report(0), report(1, feature_spread=0.2)]
    health = summarise(reports, ["body"], ["careful"], ["few images"])
    assert health["steps"] == 2
    assert health["images_per_s"] == pytest.approx(32 / 0.4)
    assert health["share_waiting_for_data"] == pytest.approx(0.25)
    assert health["feature_spread"] == 0.2
    assert health["warnings"] == ["careful"]
    assert health["remarks"] == ["few images"]


def test_adherence_is_taken_where_the_part_was_in_view() -> None:
    reports = [report(0, (0.4, 0.0, 0.0)), report(1, (0.6, 0.3, 0.0))]
    health = summarise(reports, ["body", "lead", "ghost"], [])
    assert health["adherence"] == {"body": pytest.approx(0.5), "lead": 0.3, "ghost": 0.0}
