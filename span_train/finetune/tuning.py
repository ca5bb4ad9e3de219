"""Teach the whole network with few labelled images, gently: heads stay inside their parts.

The defect logit of labelled views pulls on all layers through the fitted head, early layers less
than late ones, while the `focus` prior holds each assigned head inside its part, where it may look
at the defect alone (DESIGN.md, sections 5 and 6).
Letters: M labelled images, B views, S side in pixels, K parts, J features.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from span_train.data.keyed_draws import Numbers, uniforms_of_view
from span_train.data.part_masks import PartMasks, view_priors
from span_train.data.view_geometry import ViewRanges
from span_train.data.views import make_views
from span_train.losses.part_prior import PartPriorLoss
from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead
from span_train.models.layer_rates import parameter_groups

_CLIP = 1.0


@dataclass(frozen=True)
class TuningPlan:
    """How much is learnt, and how gently.

    Attributes:
        steps: Of an epoch.
        batch_size: Views a step, half of them good as far as there are labels.
        learning_rate: Of the last block.
        layer_decay: Each block learns so much slower than the one after it.
        weight_decay: Of matrices.
        prior_weight: Of the `focus` prior.
        ranges: How far views differ from their images; little, for places must stay comparable.
        seed: Of batches and views.
    """

    steps: int
    batch_size: int
    learning_rate: float
    layer_decay: float
    weight_decay: float
    prior_weight: float
    ranges: ViewRanges
    seed: int


@dataclass(frozen=True)
class LabelledSquares:
    """(M, S, S, 3) fitted images, and (M,) whether each is defective."""

    squares: npt.NDArray[np.uint8]
    defective_m: npt.NDArray[np.bool_]

    def some(self, places: Numbers) -> "LabelledSquares":
        """The images at these places."""
        return LabelledSquares(self.squares[places], self.defective_m[places])


class Tuning:
    """Fine-tuning of one backbone, an epoch at a time; the same calls give the same network.

    Args:
        backbone: Is changed in place.
        blocks: Whose patch features the head takes.
        part_masks: The layout.
        plan: How.
    """

    def __init__(
        self, backbone: Backbone, blocks: tuple[int, ...], part_masks: PartMasks, plan: TuningPlan
    ) -> None:
        self.backbone, self.blocks = backbone, blocks
        self.part_masks, self.plan = part_masks, plan
        self.prior = PartPriorLoss("focus")
        named = {f"backbone.{name}": each for name, each in backbone.named_parameters()}
        groups = parameter_groups(named, backbone.depth, plan.layer_decay, plan.weight_decay)
        for group in groups:
            group["lr"] = plan.learning_rate * group["rate_share"]
        self.optimiser = torch.optim.AdamW(groups)

    def epoch(self, number: int, head: DefectHead, labelled: LabelledSquares) -> float:
        """Learn from views of labelled images through a fitted head; returns the mean loss.

        Args:
            number: Of the epoch, from 0; keys batches and views.
            head: Statistics and weights as fitted on the backbone as it is now; stays as it is.
            labelled: Images of both classes.
        """
        losses = []
        for step in range(self.plan.steps):
            key = number * self.plan.steps + step
            chosen_b = _balanced(labelled.defective_m, self.plan, key)
            loss = self._loss(head, labelled.some(chosen_b), chosen_b, key)
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.backbone.parameters(), _CLIP)
            self.optimiser.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def _loss(
        self, head: DefectHead, batch: LabelledSquares, chosen_b: Numbers, key: int
    ) -> Tensor:
        plan = self.plan
        uniforms = uniforms_of_view(plan.seed, key, chosen_b, 0)
        views_bchw, geometry = make_views(torch.from_numpy(batch.squares), uniforms, plan.ranges)
        seen = self.backbone(views_bchw, blocks=self.blocks)
        patches_bnc = torch.cat(seen.blocks_bvc, dim=-1).float()
        features_bj = head.pool(patches_bnc, seen.attention_logits_bhv.softmax(-1))
        z_b = features_bj @ head.weight[0] + head.bias[0]
        truth_b = torch.from_numpy(batch.defective_m).float()
        share = truth_b.mean().clamp(0.01, 0.99)
        weight_b = torch.where(truth_b > 0, 0.5 / share, 0.5 / (1 - share))
        of_labels = functional.binary_cross_entropy_with_logits(z_b, truth_b, weight_b)
        priors_bkn = view_priors(self.part_masks.of(chosen_b), geometry, self.backbone.grid)
        of_prior: Tensor = self.prior(seen.attention_logits_bhv, priors_bkn)
        return of_labels + plan.prior_weight * of_prior


def _balanced(defective_m: npt.NDArray[np.bool_], plan: TuningPlan, key: int) -> Numbers:
    """Images of a step: half of each class, no image twice."""
    random = np.random.default_rng([plan.seed, key])
    half = plan.batch_size // 2
    of_classes = [np.flatnonzero(defective_m == kind) for kind in (False, True)]
    return np.concatenate([random.permutation(of_class)[:half] for of_class in of_classes])
