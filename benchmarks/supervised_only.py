"""Teach the line's network from random weights by labels alone: what pretraining is held against.

Letters: M labelled images, T test images, B views, S side in pixels, C width.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from span_train.contract.settings import LineSettings
from span_train.data.keyed_draws import Numbers, uniforms_of_view
from span_train.data.view_geometry import ViewRanges
from span_train.data.views import make_views
from span_train.models.backbone import Backbone
from span_train.pretrain.schedules import warm_cosine
from span_train.pretrained import line_backbone

Squares = npt.NDArray[np.uint8]
_WARMUP, _CLIP, _BATCH = 0.1, 3.0, 64


@dataclass(frozen=True)
class Plan:
    """How it is taught: views as in pretraining, half of each batch good."""

    steps: int = 300
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05


class Classifier(nn.Module):
    """A Vision Transformer with one logit over its class token and its mean patch."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.last = nn.Linear(2 * backbone.width, 1)

    def forward(self, images_bchw: Tensor) -> Tensor:
        """(B,) logits of images in [0, 1]."""
        seen = self.backbone(images_bchw)
        tokens_bc = torch.cat([seen.class_bc, seen.patches_bvc.mean(dim=1)], dim=-1)
        logit_b: Tensor = self.last(tokens_bc)[:, 0]
        return logit_b


def teach(
    settings: LineSettings,
    squares: Squares,
    defective_m: npt.NDArray[np.bool_],
    seed: int,
    plan: Plan,
) -> tuple[Classifier, float]:
    """A network taught on (M, S, S, 3) images of both classes, and its loss over the last steps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(line_backbone(settings)).train()
    ranges = ViewRanges(**settings.pretrain.views.model_dump(), symmetry=settings.layout.symmetry)
    optimiser = torch.optim.AdamW(
        model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay
    )
    losses = []
    for step in range(plan.steps):
        rate = plan.learning_rate * warm_cosine(step, plan.steps, _WARMUP)
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen_b = _balanced(defective_m, plan.batch_size, seed, step)
        uniforms = uniforms_of_view(seed, step, chosen_b, 0)
        views_bchw, _ = make_views(torch.from_numpy(squares[chosen_b]), uniforms, ranges)
        truth_b = torch.from_numpy(defective_m[chosen_b]).float()
        loss = functional.binary_cross_entropy_with_logits(model(views_bchw), truth_b)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimiser.step()
        losses.append(float(loss.detach()))
    return model.eval(), float(np.mean(losses[-10:]))


def scores(model: Classifier, squares: Squares) -> npt.NDArray[np.float64]:
    """(T,) logits of whole images."""
    with torch.inference_mode():
        rows = [
            model(torch.from_numpy(squares[at : at + _BATCH].copy()).permute(0, 3, 1, 2) / 255)
            for at in range(0, len(squares), _BATCH)
        ]
    return torch.cat(rows).double().numpy()


def _balanced(defective_m: npt.NDArray[np.bool_], size: int, seed: int, step: int) -> Numbers:
    """Images of a step, half of each class; of few labels some more than once."""
    random = np.random.default_rng([seed, step])
    of_classes = [np.flatnonzero(defective_m == kind) for kind in (False, True)]
    return np.concatenate([random.choice(of_class, size // 2) for of_class in of_classes])
