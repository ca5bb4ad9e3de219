"""Tell a training that learns from one that has collapsed or diverged, in words."""

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from span_train.pretrain.step_report import StepReport

AVERAGED = 10  # steps of a mean that is compared: a single step says little
_SMALLEST_SPREAD = 0.02
_PINNED = 0.01  # share of ln(outputs)
_PINNED_STEPS = 40
_FAR_ABOVE_BEST, _GAIN_LOST = 1.5, 0.25
_WORSE_THAN_MUTE = 1.25
_EXPLODED = 10.0
_REMEMBERED = 200
_AGAIN_AFTER = 50
_LOWER_RATE = "lower pretrain.learning_rate"
Trouble = tuple[str, Callable[[StepReport], str | None]]


class HealthWatch:
    """Sees every step's report and names what goes wrong, once each time that it begins.

    Args:
        warmup: Steps before the full learning rate; a loss that says nothing is usual until then.
        has_prior: Whether heads are held to parts; the prior loss only measures where they are not.
    """

    def __init__(self, warmup: int, has_prior: bool = True) -> None:
        self._warmup = warmup
        self._recent: deque[StepReport] = deque(maxlen=AVERAGED)
        self._norms: deque[float] = deque(maxlen=_REMEMBERED)
        self._first: dict[str, float] = {}
        self._best: dict[str, float] = {}
        self._pinned_for = 0
        self._seen_at: dict[str, int] = {}
        self._troubles: tuple[Trouble, ...] = (
            ("spread", self._no_spread),
            ("teacher", self._teacher_says_nothing),
            ("information", self._teacher_says_the_same),
            ("pinned", self._pinned),
            ("objective", lambda report: self._risen("objective_loss", report)),
            ("gradient", self._exploded),
        )
        if has_prior:
            self._troubles += (("prior", lambda report: self._risen("prior_loss", report)),)

    def observe(self, report: StepReport) -> list[str]:
        """What has begun to go wrong with this step, and what to try; empty while all is well."""
        self._recent.append(report)
        found = []
        for name, look in self._troubles:
            message = look(report)
            if message is None:
                continue
            last = self._seen_at.get(name)
            if last is None or report.step - last > _AGAIN_AFTER:
                found.append(f"step {report.step}: {message}")
            self._seen_at[name] = report.step
        return found

    def _mean(self, of: Callable[[StepReport], float]) -> float:
        return statistics.fmean(map(of, self._recent))

    def _no_spread(self, report: StepReport) -> str | None:
        spread = self._mean(lambda one: one.health.get("feature_spread", 1.0))
        if len(self._recent) < AVERAGED or spread >= _SMALLEST_SPREAD:
            return None
        return (
            f"feature spread {spread:.4f} is near 0, all images look the same to the network "
            f"(collapse); {_LOWER_RATE} or raise pretrain.feature_spread{_or_masked(report)}."
        )

    def _teacher_says_nothing(self, report: StepReport) -> str | None:
        uniform = report.health.get("uniform_loss")
        if uniform is None or len(self._recent) < AVERAGED:
            return None
        entropy = self._mean(lambda one: one.health["teacher_entropy"])
        if uniform - entropy >= _PINNED * uniform:
            return None
        return (
            f"the teacher's entropy {entropy:.3f} is pinned at ln(outputs) {uniform:.3f} "
            "(collapse); lower pretrain.dino.teacher_temperature, raise pretrain.feature_spread"
            f"{_or_masked(report)}."
        )

    def _teacher_says_the_same(self, report: StepReport) -> str | None:
        if "teacher_information" not in report.health or len(self._recent) < AVERAGED:
            return None
        information = self._mean(lambda one: one.health["teacher_information"])
        if information >= _PINNED * report.health["uniform_loss"] or report.step < self._warmup:
            return None
        return (
            f"what the teacher says of an image tells {information:.3f} nats about which image it "
            f"is, nearly nothing (collapse); {_LOWER_RATE} or raise pretrain.feature_spread"
            f"{_or_masked(report)}."
        )

    def _pinned(self, report: StepReport) -> str | None:
        uniform = report.health.get("uniform_loss")
        if uniform is None or report.step < self._warmup:
            return None
        near = abs(report.objective_loss - uniform) < _PINNED * uniform
        self._pinned_for = self._pinned_for + 1 if near else 0
        if self._pinned_for < _PINNED_STEPS:
            return None
        return (
            f"the loss {report.objective_loss:.3f} has been pinned at ln(outputs) {uniform:.3f} "
            f"for {self._pinned_for} steps, nothing is learnt (collapse); {_LOWER_RATE}, or "
            f"pretrain.dino.outputs{_or_masked(report)}."
        )

    def _risen(self, name: str, report: StepReport) -> str | None:
        mean = self._mean(lambda one: float(getattr(one, name)))
        if len(self._recent) < AVERAGED or report.step < self._warmup:
            return None
        first = self._first.setdefault(name, mean)
        best = self._best[name] = min(mean, self._best.get(name, mean))
        # Self-distillation starts with a teacher that is easy to guess; its loss may rise.
        mute = report.health.get("uniform_loss", 0.0)
        if name == "objective_loss" and mean <= _WORSE_THAN_MUTE * mute:
            return None
        if mean <= _FAR_ABOVE_BEST * best or mean <= best + _GAIN_LOST * (first - best):
            return None
        return (
            f"the {name.replace('_', ' ')} {mean:.3f} is far above the {best:.3f} it had reached "
            f"(divergence); {_LOWER_RATE} or pretrain.prior_weight."
        )

    def _exploded(self, report: StepReport) -> str | None:
        usual = statistics.median(self._norms) if len(self._norms) >= AVERAGED else None
        now = statistics.median(one.gradient_norm for one in self._recent)
        self._norms.append(report.gradient_norm)
        if usual is None or now <= _EXPLODED * usual:
            return None
        return (
            f"gradient norm {now:.3g} is far above the usual {usual:.3g} (divergence); "
            f"{_LOWER_RATE} or pretrain.clip_gradient."
        )


def summarise(
    reports: Sequence[StepReport],
    part_names: Sequence[str],
    warnings: Sequence[str],
    remarks: Sequence[str] = (),
) -> dict[str, Any]:
    """`health.json`: how the run went, over its last reports."""
    last = reports[-1]
    data_s, step_s = (sum(getattr(r, name) for r in reports) for name in ("data_s", "step_s"))
    return {
        "steps": last.step + 1,
        "objective_loss": last.objective_loss,
        "prior_loss": last.prior_loss,
        "gradient_norm": last.gradient_norm,
        "adherence": dict(zip(part_names, _mean_adherence(reports[-50:]), strict=True)),
        "images_per_s": sum(report.images for report in reports) / step_s,
        "share_waiting_for_data": data_s / step_s,
        **last.health,
        "warnings": list(warnings),
        "remarks": list(remarks),
    }


def _mean_adherence(reports: Sequence[StepReport]) -> list[float]:
    """Over the steps in which a part was in view; the others say 0, which a softmax never does."""
    by_part = zip(*(report.adherence for report in reports), strict=True)
    seen = [[share for share in shares if share > 0] for shares in by_part]
    return [sum(shares) / max(1, len(shares)) for shares in seen]


def _or_masked(report: StepReport) -> str:
    return ", or use objective: masked" if "uniform_loss" in report.health else ""
