"""One training step and everything needed to continue it exactly.

No step touches global randomness: what a step does follows from its number, the seed and the
tensors in `state`, so an interrupted run goes on as if nothing had happened.
Letters: M images of the cache, B images of a batch, K parts, S side in pixels.
"""

import time
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from span_train.contract.errors import RunError
from span_train.data.views import (
    Numbers,
    Uniforms,
    ViewRanges,
    batch_of_step,
    keyed_normals,
    keyed_uniforms,
    make_views,
    uniforms_of_view,
    view_priors,
)
from span_train.losses.part_prior import PartPriorLoss
from span_train.pretrain.objective import Objective, StepResult
from span_train.pretrain.schedules import linear_rise, teacher_momentum, warm_cosine

_OWN_STREAM, _NOISE_STREAM = 1000, 2000


@dataclass(frozen=True)
class LoopPlan:
    """The numbers a loop follows; see `PretrainSettings` for the meaning of each."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    clip_gradient: float
    prior_weight: float
    teacher_momentum: float
    seed: int
    bfloat16: bool = False


@dataclass(frozen=True)
class StepReport:
    """What one step measured; `adherence` is each assigned head's attention inside its part."""

    step: int
    loss: float
    objective_loss: float
    prior_loss: float
    adherence: tuple[float, ...]
    gradient_norm: float
    learning_rate: float
    data_s: float
    step_s: float
    health: dict[str, float]


class PretrainLoop:
    """SPAN's loop: ``L = L_ssl + lambda(t) * L_prior``.

    Args:
        objective: `MaskedAutoencoder` or `StudentTeacher`, on its device.
        images_mssc: (M, S, S, 3) uint8, fitted images; may be memory-mapped.
        masks_kss: (K, S, S) layout in the frame of the fitted image, on the objective's device.
        prior_loss: The regulariser.
        ranges: How views differ.
        plan: Steps, rates and weights.
    """

    def __init__(
        self,
        objective: Objective,
        images_mssc: npt.NDArray[np.uint8],
        masks_kss: Tensor,
        prior_loss: PartPriorLoss,
        ranges: ViewRanges,
        plan: LoopPlan,
    ) -> None:
        self.objective = objective
        self.module = cast(nn.Module, objective)
        self.images_mssc = images_mssc
        self.masks_kss = masks_kss
        self.prior_loss = prior_loss
        self.ranges = ranges
        self.plan = plan
        self.batch_size = min(plan.batch_size, len(images_mssc))
        self.trained = {n: p for n, p in self.module.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self._groups(), lr=plan.learning_rate, betas=(0.9, 0.95))

    def step(self, step: int) -> StepReport:
        """Run step number `step` (from 0).

        Raises:
            RunError: A loss or the gradient is not finite; names the term and the step.
        """
        started = time.perf_counter()
        views, priors, own = self._views(step)
        data_s = time.perf_counter() - started
        device = views[0].device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.plan.bfloat16):
            result = self.objective(views, priors, own, step / self.plan.steps)
            prior_loss = self.prior_loss(result.attention_logits_bhn, result.prior_bkn)
        loss = result.loss
        if self.plan.prior_weight > 0:
            weight = self.plan.prior_weight * linear_rise(step, self.plan.steps, 0.1)
            loss = loss + weight * prior_loss
        _stop_unless_finite(step, objective_loss=result.loss, prior_loss=prior_loss)
        rate = self.plan.learning_rate * warm_cosine(step, self.plan.steps, self.plan.warmup)
        norm = self._update(loss, rate, step)
        momentum = teacher_momentum(step, self.plan.steps, self.plan.teacher_momentum)
        self.objective.follow(momentum)
        return StepReport(
            step,
            float(loss.detach()),
            float(result.loss.detach()),
            float(prior_loss.detach()),
            tuple(_adherence(result)),
            norm,
            rate,
            data_s,
            time.perf_counter() - started,
            {name: float(value) for name, value in result.health.items()},
        )

    def state(self) -> dict[str, Tensor]:
        """Every tensor the next step depends on, by name."""
        tensors = {f"objective.{name}": t for name, t in self.module.state_dict().items()}
        for name, parameter in self.trained.items():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{name}.{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the tensors that `state` gave.

        Raises:
            RunError: They are of another network or objective.
        """
        prefix = "objective."
        own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        try:
            self.module.load_state_dict(own)
        except RuntimeError as problem:
            raise RunError(
                f"the checkpoint is of another network or objective: {str(problem)[:300]}"
            ) from None
        for name, parameter in self.trained.items():
            prefix = f"optimiser.{name}."
            found = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
            for key in found.keys() - {"step"}:  # the optimiser counts steps on the CPU
                found[key] = found[key].to(parameter.device)
            self.optimiser.state[parameter] = found

    def _groups(self) -> list[dict[str, object]]:
        matrices = [p for p in self.trained.values() if p.ndim > 1]
        vectors = [p for p in self.trained.values() if p.ndim < 2]
        return [
            {"params": matrices, "weight_decay": self.plan.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]

    def _views(self, step: int) -> tuple[list[Tensor], list[Tensor], Uniforms]:
        plan, grid = self.plan, self.objective.teacher.grid
        epoch, chosen = batch_of_step(step, len(self.images_mssc), plan.batch_size, plan.seed)
        images_bhwc = torch.from_numpy(self.images_mssc[chosen]).to(self.masks_kss.device)
        views, priors = [], []
        for number in range(self.objective.views):
            uniforms = uniforms_of_view(plan.seed, epoch, chosen, number)
            noise_bchw = self._noise(epoch, chosen, number)
            view, geometry = make_views(images_bhwc, uniforms, self.ranges, noise_bchw)
            views.append(view)
            priors.append(view_priors(self.masks_kss, geometry, grid))
        own = keyed_uniforms(plan.seed, epoch, chosen, _OWN_STREAM, grid**2)
        return views, priors, own

    def _noise(self, epoch: int, chosen: Numbers, view: int) -> Tensor | None:
        if self.ranges.noise == 0:
            return None
        shape, stream = (3, *self.images_mssc.shape[1:3]), _NOISE_STREAM + view
        noise_bchw = keyed_normals(self.plan.seed, epoch, chosen, stream, shape)
        return noise_bchw.to(self.masks_kss.device)

    def _update(self, loss: Tensor, rate: float, step: int) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.trained.values(), self.plan.clip_gradient)
        _stop_unless_finite(step, gradient=norm)
        self.optimiser.step()
        return float(norm)


def _adherence(result: StepResult) -> list[float]:
    parts = result.prior_bkn.shape[1]
    attention_bkn = result.attention_logits_bhn[:, :parts].detach().float().softmax(-1)
    in_view_bk = result.prior_bkn.sum(-1) > 0
    inside_bk = (attention_bkn * result.prior_bkn.clamp(max=1.0)).sum(-1) * in_view_bk
    mean_k: list[float] = (inside_bk.sum(0) / in_view_bk.sum(0).clamp(min=1)).tolist()
    return mean_k


def _stop_unless_finite(step: int, **terms: Tensor) -> None:
    for name, value in terms.items():
        if not torch.isfinite(value):
            raise RunError(
                f"step {step}: the {name.replace('_', ' ')} is {float(value.detach())}; lower "
                "pretrain.learning_rate or pretrain.prior_weight, and start a new run."
            )
