"""What a user sees while a training runs."""

import pytest

from inspect_app.cli.progress import describe, training_progress
from span_train.pretrain.step_report import StepReport


def report(step: int, **health: float) -> StepReport:
    return StepReport(
        step, 1.0, 0.7, 0.3, (0.8, 0.25), 0.5, 1e-3, 0.1, 0.5, 32, {"feature_spread": 0.6, **health}
    )


def test_a_line_tells_losses_speed_health_and_every_head() -> None:
    assert describe(report(3), ("body", "left lead")) == (
        "objective 0.700  prior 0.300  64 images/s (20% waiting)  gradient 0.5  spread 0.60  "
        "attention in part: body 80%, left lead 25%"
    )


def test_self_distillation_tells_its_teachers_entropy() -> None:
    line = describe(report(3, teacher_entropy=5.2, uniform_loss=6.931), ("body", "lead"))
    assert "entropy 5.20 of 6.93" in line


def test_without_a_terminal_the_last_step_and_every_remark_get_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with training_progress() as progress:
        progress.say("few images")
        for step in range(3):
            progress.show(report(step), 3, ("body", "lead"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "note: few images"
    assert len(lines) == 2
    assert lines[1].startswith("  step 3/3  objective 0.700")
