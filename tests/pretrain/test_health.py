"""The words that tell a training that learns from one that has collapsed."""

import pytest

from span_train.pretrain.health import summarise, warnings_of
from span_train.pretrain.loop import StepReport


def report(step: int = 7, adherence: tuple[float, ...] = (0.5,), **health: float) -> StepReport:
    return StepReport(step, 1.3, 1.0, 0.3, adherence, 0.8, 1e-3, 0.1, 0.4, health)


def test_a_spread_near_zero_is_called_a_collapse() -> None:
    (found,) = warnings_of(report(feature_spread=0.004))
    assert found == (
        "step 7: feature spread 0.0040 is near 0, all images look the same to the network "
        "(collapse); lower pretrain.learning_rate or use objective: masked."
    )


@pytest.mark.parametrize(("entropy", "warned"), [(6.93, True), (6.5, False), (0.1, False)])
def test_a_teacher_that_says_nothing_is_called_a_collapse(entropy: float, warned: bool) -> None:
    found = warnings_of(report(feature_spread=0.5, teacher_entropy=entropy, uniform_loss=6.931))
    assert bool(found) is warned
    assert not found or "pinned at ln(outputs)" in found[0]


def test_a_healthy_report_has_no_warning() -> None:
    assert warnings_of(report(feature_spread=0.6)) == []


def test_the_summary_counts_speed_over_all_steps_and_waiting_for_data() -> None:
    health = summarise([report(0), report(1, feature_spread=0.2)], ["body"], 32, ["careful"])
    assert health["steps"] == 2
    assert health["images_per_s"] == pytest.approx(32 / 0.4)
    assert health["share_waiting_for_data"] == pytest.approx(0.25)
    assert health["feature_spread"] == 0.2
    assert health["warnings"] == ["careful"]


def test_adherence_is_taken_where_the_part_was_in_view() -> None:
    reports = [report(0, (0.4, 0.0, 0.0)), report(1, (0.6, 0.3, 0.0))]
    health = summarise(reports, ["body", "lead", "ghost"], 32, [])
    assert health["adherence"] == {"body": pytest.approx(0.5), "lead": 0.3, "ghost": 0.0}
