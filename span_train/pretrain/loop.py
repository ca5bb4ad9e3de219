"""One training step and everything needed to continue it exactly.

No step touches global randomness: what a step does follows from its number, the seed and the
tensors in `state`, so an interrupted run goes on as if nothing had happened. Every mean is a sum
over the global batch by its count, so the number of processes and shares changes rounding alone.
Letters: B images of the global batch, b of one share, H heads, K parts, N patches, C width.
"""

import math
import time
from dataclasses import dataclass
from itertools import islice
from typing import cast

import torch
from torch import Tensor, nn

from span_train.contract.errors import RunError
from span_train.losses.feature_spread import feature_spread_loss, spread_of_sums, spread_sums
from span_train.losses.part_prior import PartPriorLoss, parts_in_view
from span_train.models.layer_rates import parameter_groups
from span_train.pretrain.batches import Batches, Share
from span_train.pretrain.loop_state import gather_state, restore_state
from span_train.pretrain.objective import Objective, StepResult
from span_train.pretrain.processes import Processes
from span_train.pretrain.schedules import linear_rise, teacher_momentum, warm_cosine
from span_train.pretrain.step_report import StepReport
from span_train.pretrain.totals import Totals, mean_of

Numbers = dict[str, list[float]]
_LOSSES = ("objective_loss", "prior_loss", "spread_loss")
_FIELDS = {*_LOSSES, "adherence", "gradient"}  # of a report; what else is measured is health


@dataclass(frozen=True)
class LoopPlan:
    """The numbers a loop follows; see `PretrainSettings` for the meaning of each."""

    steps: int
    learning_rate: float
    weight_decay: float
    warmup: float
    clip_gradient: float
    prior_weight: float
    teacher_momentum: float
    layer_decay: float = 1.0
    spread_weight: float = 0.0
    bfloat16: bool = False


class PretrainLoop:
    """SPAN's loop: ``L = L_ssl + lambda(t) * L_prior + spread_weight * L_spread``.

    Args:
        objective: `MaskedAutoencoder` or `StudentTeacher`, on its device.
        batches: What each step sees.
        prior_loss: The regulariser.
        plan: Steps, rates and weights.
        processes: All that train together; they start from the first one's weights.
    """

    def __init__(
        self,
        objective: Objective,
        batches: Batches,
        prior_loss: PartPriorLoss,
        plan: LoopPlan,
        processes: Processes,
    ) -> None:
        self.objective = objective
        self.module = cast(nn.Module, objective)
        self.batches = batches
        self.prior_loss = prior_loss
        self.plan = plan
        self.processes = processes
        self.batch_size = batches.plan.batch_size
        self.trained = {n: p for n, p in self.module.named_parameters() if p.requires_grad}
        depth = objective.teacher.depth
        groups = parameter_groups(self.trained, depth, plan.layer_decay, plan.weight_decay)
        self.optimiser = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.95))
        processes.share(self.module.state_dict().values())

    def step(self, step: int) -> StepReport:
        """Run step number `step` (from 0).

        Raises:
            RunError: A loss or the gradient is not finite; names the term and the step.
        """
        started = time.perf_counter()
        shares, waited_s = self.batches.of_step(step)
        self.optimiser.zero_grad(set_to_none=True)
        sums = self._add_gradients(shares, step)
        self.processes.sum_gradients(self.trained.values())
        norm = nn.utils.clip_grad_norm_(self.trained.values(), self.plan.clip_gradient)
        measured = _measured(sums, self.objective.measures(sums), norm)
        _stop_unless_finite(step, measured)
        rate = self.plan.learning_rate * warm_cosine(step, self.plan.steps, self.plan.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["rate_share"]
        self.optimiser.step()
        self.objective.follow(
            teacher_momentum(step, self.plan.steps, self.plan.teacher_momentum), sums
        )
        return self._report(step, measured, rate, waited_s, started)

    def state(self) -> dict[str, Tensor]:
        """Every tensor the next step depends on, by name."""
        return gather_state(self.module, self.optimiser)

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the tensors that `state` gave.

        Raises:
            RunError: They are of another network or objective.
        """
        restore_state(tensors, self.module, self.optimiser)

    def _add_gradients(self, shares: list[Share], step: int) -> dict[str, Tensor]:
        """Add this process's part of the global gradient; gives the global sums."""
        priors = [self.objective.seen_prior(share) for share in shares]
        in_view = self.processes.sum(torch.stack([parts_in_view(p).sum() for p in priors]).sum())
        gathered_bc = self._gather_ahead(shares, step) if len(shares) > 1 else None
        totals = Totals()
        for share, prior_bkn in zip(shares, priors, strict=True):
            result = self._run(share, step)
            with torch.autocast(self.processes.device.type, enabled=False):
                prior = self.prior_loss.total(result.attention_logits_bhn, prior_bkn)
                spread = self._spread(share, result, gathered_bc)
            images = share.rows.stop - share.rows.start
            loss = result.loss * (images / self.batch_size)
            if self.plan.prior_weight > 0:
                loss = loss + self._prior_weight(step) * prior / in_view.clamp(min=1)
            if self.plan.spread_weight > 0:
                loss = loss + self.plan.spread_weight * spread
            loss.backward()
            _add(totals, result, prior_bkn, images, prior, spread)
        return totals.over_all(self.processes)

    def _run(self, share: Share, step: int) -> StepResult:
        device = self.processes.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.plan.bfloat16):
            result: StepResult = self.objective(share, step / self.plan.steps)
        return result

    def _spread(self, share: Share, result: StepResult, gathered_bc: Tensor | None) -> Tensor:
        """The feature-spread loss of the global batch, as it depends on this share's features.

        Neighbours may be in any share: all others' features stand beside as constants, and each
        share adds the whole loss's gradient with respect to its own.
        """
        if self.plan.spread_weight == 0:
            return result.loss.new_zeros(())
        own_bc = result.class_bc.float()
        if gathered_bc is None:
            gathered_bc = self._gather([(share, own_bc.detach())])
        rows = share.rows
        return feature_spread_loss(
            torch.cat([gathered_bc[: rows.start], own_bc, gathered_bc[rows.stop :]])
        )

    def _gather_ahead(self, shares: list[Share], step: int) -> Tensor | None:
        """All features of a batch that is computed in several shares: it costs a pass more."""
        if self.plan.spread_weight == 0:
            return None
        with torch.no_grad():
            return self._gather([(share, self._run(share, step).class_bc) for share in shares])

    def _gather(self, found: list[tuple[Share, Tensor]]) -> Tensor:
        width = found[0][1].shape[1]
        features_bc = torch.zeros(self.batch_size, width, device=self.processes.device)
        for share, class_bc in found:
            features_bc[share.rows] = class_bc.float()
        return self.processes.sum(features_bc)

    def _prior_weight(self, step: int) -> float:
        return self.plan.prior_weight * linear_rise(step, self.plan.steps, 0.1)

    def _report(
        self, step: int, measured: Numbers, rate: float, waited_s: float, started: float
    ) -> StepReport:
        objective, prior = measured["objective_loss"][0], measured["prior_loss"][0]
        loss = objective
        health = {name: values[0] for name, values in measured.items() if name not in _FIELDS}
        if self.plan.prior_weight > 0:
            loss += self._prior_weight(step) * prior
        if self.plan.spread_weight > 0:
            health["spread_loss"] = measured["spread_loss"][0]
            loss += self.plan.spread_weight * health["spread_loss"]
        if self.objective.uniform_loss is not None:
            health["uniform_loss"] = self.objective.uniform_loss
        return StepReport(
            step,
            loss,
            objective,
            prior,
            tuple(measured["adherence"]),
            measured["gradient"][0],
            rate,
            waited_s,
            time.perf_counter() - started,
            self.batch_size,
            health,
        )


def _add(
    totals: Totals,
    result: StepResult,
    prior_bkn: Tensor,
    images: int,
    prior: Tensor,
    spread: Tensor,
) -> None:
    in_view_bk = parts_in_view(prior_bkn)
    attention_bkn = result.attention_logits_bhn[:, : prior_bkn.shape[1]].detach().softmax(-1)
    inside_bk = (attention_bkn * prior_bkn.clamp(max=1.0)).sum(-1) * in_view_bk
    totals.add("objective_loss", result.loss.detach().double() * images, images)
    totals.add("prior_loss", prior, in_view_bk.sum())
    totals.add("spread_loss", spread.detach().double() * images, images)
    totals.add("inside", inside_bk.sum(0))
    totals.add("in_view", in_view_bk.sum(0))
    totals.add("features", spread_sums(result.features_nc))
    for name, sums in result.sums.items():
        totals.add(name, sums)


def _measured(sums: dict[str, Tensor], own: dict[str, Tensor], norm: Tensor) -> Numbers:
    """The step's numbers, brought to the host at once: each transfer waits for the device."""
    found = {name: mean_of(sums[name]) for name in _LOSSES}
    found |= {name: number[None] for name, number in own.items()}
    found["adherence"] = sums["inside"] / sums["in_view"].clamp(min=1)
    found["feature_spread"] = spread_of_sums(sums["features"])[None]
    found["gradient"] = norm.double()[None]
    numbers = iter(torch.cat(list(found.values())).tolist())
    return {name: list(islice(numbers, len(one))) for name, one in found.items()}


def _stop_unless_finite(step: int, measured: Numbers) -> None:
    for name in (*_LOSSES, "gradient"):
        (value,) = measured[name]
        if not math.isfinite(value):
            raise RunError(
                f"step {step}: the {name.replace('_', ' ')} is {value}; lower "
                "pretrain.learning_rate or pretrain.prior_weight, and start a new run."
            )
