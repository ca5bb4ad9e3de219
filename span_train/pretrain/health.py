"""Tell a training that learns from one that has collapsed, in words."""

from collections.abc import Sequence
from typing import Any

from span_train.pretrain.loop import StepReport

_SMALLEST_SPREAD = 0.01
_PINNED = 0.01
_AVERAGED = 50


def warnings_of(report: StepReport) -> list[str]:
    """What is wrong after this step, and what to try; empty while all is well."""
    found = []
    spread = report.health.get("feature_spread", 1.0)
    if spread < _SMALLEST_SPREAD:
        found.append(
            f"step {report.step}: feature spread {spread:.4f} is near 0, all images look the same "
            "to the network (collapse); lower pretrain.learning_rate or use objective: masked."
        )
    uniform = report.health.get("uniform_loss")
    entropy = report.health.get("teacher_entropy")
    if uniform is not None and entropy is not None and uniform - entropy < _PINNED * uniform:
        found.append(
            f"step {report.step}: the teacher's entropy {entropy:.3f} is pinned at ln(outputs) "
            f"{uniform:.3f} (collapse); lower pretrain.dino.teacher_temperature, raise "
            "pretrain.dino.feature_spread, or use objective: masked."
        )
    return found


def summarise(
    reports: Sequence[StepReport], part_names: Sequence[str], batch_size: int, warnings: list[str]
) -> dict[str, Any]:
    """`health.json`: how the run went, over its last reports."""
    last = reports[-1]
    data_s, step_s = (sum(getattr(r, name) for r in reports) for name in ("data_s", "step_s"))
    return {
        "steps": last.step + 1,
        "objective_loss": last.objective_loss,
        "prior_loss": last.prior_loss,
        "gradient_norm": last.gradient_norm,
        "adherence": dict(zip(part_names, _mean_adherence(reports[-_AVERAGED:]), strict=True)),
        "images_per_s": batch_size * len(reports) / step_s,
        "share_waiting_for_data": data_s / step_s,
        **last.health,
        "warnings": warnings,
    }


def _mean_adherence(reports: Sequence[StepReport]) -> list[float]:
    """Over the steps in which a part was in view; the others say 0, which a softmax never does."""
    by_part = zip(*(report.adherence for report in reports), strict=True)
    seen = [[share for share in shares if share > 0] for shares in by_part]
    return [sum(shares) / max(1, len(shares)) for shares in seen]
