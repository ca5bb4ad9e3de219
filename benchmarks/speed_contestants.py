"""The trainings whose speed is compared: ours, ours without SPAN, and DINO made of lightly's parts.

All take the same images, network, batch and number of views of the same side. Each counts for
itself how long it waited for data; lightly's is what its DataLoader makes it wait.
Letters: B images, S side in pixels.
"""

import copy
import itertools
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from span_train.contract.settings import LineSettings
from span_train.data.cache import cache_file
from span_train.data.kept_array import open_kept
from span_train.data.line_layout import make_layout
from span_train.data.masks_file import masks_file
from span_train.data.splits import gather_images
from span_train.pretrain.build import build_loop, in_bfloat16
from span_train.pretrain.kept_memory import keep_freed_memory
from span_train.pretrained import choose_device, line_backbone


class Timing(NamedTuple):
    """How long some steps took, and how much of that was waiting for data; seconds."""

    seconds: float
    waiting_s: float


class Contestant(Protocol):
    """A training that can be run a few steps at a time."""

    def run(self, steps: int) -> Timing:
        """Do the next steps."""
        ...


class Ours:
    """This project's loop, as `inspect pretrain` builds it.

    Args:
        settings: The line; its prior weight tells whether SPAN is on.
        folder: For the image cache.
    """

    def __init__(self, settings: LineSettings, folder: Path) -> None:
        keep_freed_memory()  # as `pretrain` does
        self.device = choose_device(settings.pretrain.device)
        images = gather_images(settings).unlabelled
        cached = cache_file(images, settings.input, folder)
        layout, masks = make_layout(settings, open_kept(cached)), None
        if settings.pretrain.prior_weight > 0:
            masks, _ = masks_file(settings, layout, cached, folder)
        masks_mkss = None if masks is None else open_kept(masks)
        self.loop = build_loop(settings, layout, open_kept(cached), masks_mkss, self.device)
        self.next = 0

    def run(self, steps: int) -> Timing:
        """Do the next steps."""
        waiting_s = 0.0
        _finish(self.device)
        started = time.perf_counter()
        for step in range(self.next, self.next + steps):
            waiting_s += self.loop.step(step).data_s
        _finish(self.device)
        self.next += steps
        return Timing(time.perf_counter() - started, waiting_s)

    def flops_a_step(self) -> float:
        """Arithmetic of one step, forward and backward, as torch counts it."""
        with FlopCounterMode(display=False) as counter:
            self.run(1)
        return float(counter.get_total_flops())


class Lightly:
    """DINO as lightly's documentation builds it, on our network and settings.

    Its DINOTransform with two global views and no local one, its dataset, a DataLoader, its
    projection head, loss and momentum update; AdamW, rates and sizes are ours.

    Args:
        settings: The line; what only SPAN needs is ignored.
        workers: Processes of the DataLoader.
    """

    def __init__(self, settings: LineSettings, workers: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it still uses torch's old weight_norm
            from lightly.data import LightlyDataset
            from lightly.loss import DINOLoss
            from lightly.models.modules import DINOProjectionHead
            from lightly.models.utils import update_momentum
            from lightly.transforms.dino_transform import DINOTransform

            asked = settings.pretrain
            self.device, self.asked, self.update = (
                choose_device(asked.device),
                asked,
                update_momentum,
            )
            torch.manual_seed(asked.seed)
            vit = line_backbone(settings).vit
            sizes = (vit.embed_dim, asked.dino.hidden, asked.dino.bottleneck, asked.dino.outputs)
            self.student = nn.ModuleList([vit, DINOProjectionHead(*sizes)]).to(self.device)
            again = DINOProjectionHead(*sizes)  # its weight_norm refuses to be copied
            self.teacher = nn.ModuleList([copy.deepcopy(vit), again]).to(self.device)
            self.teacher.load_state_dict(self.student.state_dict())
            self.teacher.requires_grad_(False)
            self.loss = DINOLoss(asked.dino.outputs).to(self.device)
            transform = DINOTransform(
                global_crop_size=settings.input.side_px,
                global_crop_scale=(asked.views.min_area, 1.0),
                n_local_views=0,
            )
            self.data = LightlyDataset(str(settings.images[0]), transform=transform)
        self.optimiser = torch.optim.AdamW(
            [one for one in self.student.parameters() if one.requires_grad],
            lr=asked.learning_rate,
            weight_decay=asked.weight_decay,
        )
        self.batches = self._batches(workers)

    def run(self, steps: int) -> Timing:
        """Do the next steps."""
        waiting_s = 0.0
        _finish(self.device)
        started = time.perf_counter()
        for _ in range(steps):
            asked_at = time.perf_counter()
            views = next(self.batches)
            waiting_s += time.perf_counter() - asked_at
            self._step([view.to(self.device, non_blocking=True) for view in views])
        _finish(self.device)
        return Timing(time.perf_counter() - started, waiting_s)

    def _step(self, views: list[Tensor]) -> None:
        bfloat16 = in_bfloat16(self.asked.precision, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            with torch.no_grad():
                says = [_seen_by(self.teacher, view) for view in views]
            guesses = [_seen_by(self.student, view) for view in views]
            loss = self.loss(says, guesses)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), self.asked.clip_gradient)
        self.optimiser.step()
        self.update(self.student, self.teacher, m=self.asked.teacher_momentum)
        float(loss.detach())  # every training loop looks at its loss; ours does so too

    def _batches(self, workers: int) -> Iterator[list[Tensor]]:
        loader: Any = torch.utils.data.DataLoader(
            self.data,
            batch_size=self.asked.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
        )
        for _ in itertools.count():
            for views, _, _ in loader:
                yield views


def _seen_by(network: nn.ModuleList, view_bchw: Tensor) -> Tensor:
    vit, head = network
    outputs: Tensor = head(vit.forward_features(view_bchw)[:, 0])  # type: ignore[operator]
    return outputs


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
