"""What a process sees of a step: its images of the global batch, their views and their priors.

Letters: M images of the cache, B images of the global batch, b of one share of it, K parts,
N patches, S side in pixels.
"""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.data.keyed_draws import (
    Numbers,
    batch_of_step,
    keyed_normals,
    keyed_uniforms,
    uniforms_of_view,
)
from span_train.data.part_masks import PartMasks, view_priors
from span_train.data.pixel_reader import PixelReader
from span_train.data.view_geometry import ViewRanges
from span_train.data.views import make_views
from span_train.pretrain.processes import Processes, split_rows

_OWN_STREAM, _NOISE_STREAM = 1000, 2000


@dataclass(frozen=True)
class ViewKind:
    """Views of one kind that every image gets.

    Attributes:
        count: How many.
        ranges: How far they differ from the image.
        side_px: Their side.
        has_priors: Whether the layout goes along.
    """

    count: int
    ranges: ViewRanges
    side_px: int
    has_priors: bool = True


@dataclass(frozen=True)
class Share:
    """Some images of a step's batch, computed at once.

    Attributes:
        rows: Their places in the global batch.
        views: (b, 3, s, s) in [0, 1] each; those with priors come first.
        priors_bkn: The layout in each view that carries it, (b, K, N).
        draws_bn: (b, draws) uniforms, keyed by image, for the objective's own randomness.
    """

    rows: slice
    views: list[Tensor]
    priors_bkn: list[Tensor]
    draws_bn: Tensor


@dataclass(frozen=True)
class BatchPlan:
    """How steps take images.

    Attributes:
        batch_size: B, over all processes; at most M.
        accumulate: Shares a process computes one by one.
        seed: Of order and views.
        grid: Patches a side of a view that carries priors.
        draws: Uniforms an image needs beside those of its views.
    """

    batch_size: int
    accumulate: int
    seed: int
    grid: int
    draws: int


class Batches:
    """The shares of each step; every process gets other rows of the same keyed batch.

    Args:
        images_mssc: (M, S, S, 3) uint8, fitted images; may be memory-mapped.
        part_masks: The layout, on the training device.
        kinds: What views an image gets; those with priors first.
        plan: How steps take images.
        processes: All that train together.

    Raises:
        ValueError: A process or a share would get no image.
    """

    def __init__(
        self,
        images_mssc: npt.NDArray[np.uint8],
        part_masks: PartMasks,
        kinds: tuple[ViewKind, ...],
        plan: BatchPlan,
        processes: Processes,
    ) -> None:
        if plan.batch_size < processes.count * plan.accumulate:
            raise ValueError(
                f"{plan.batch_size} images a step for {processes.count} processes with "
                f"{plan.accumulate} shares each: some would get none"
            )
        self.images = len(images_mssc)
        self.part_masks = part_masks
        self.kinds = kinds
        self.plan = plan
        self._reader = PixelReader(images_mssc, processes.device)
        own = split_rows(slice(0, plan.batch_size), processes.count)[processes.rank]
        self._own, self._shares = own, split_rows(own, plan.accumulate)

    def of_step(self, step: int) -> tuple[list[Share], float]:
        """This process's shares of a step, and the seconds it waited for their pixels."""
        epoch, chosen = self._chosen(step)
        started = time.perf_counter()
        pixels = self._reader.read(chosen[self._own], self._chosen(step + 1)[1][self._own])
        waited_s = time.perf_counter() - started
        first = self._own.start
        shares = [
            self._share(rows, epoch, chosen[rows], pixels[rows.start - first : rows.stop - first])
            for rows in self._shares
        ]
        return shares, waited_s

    def _chosen(self, step: int) -> tuple[int, Numbers]:
        return batch_of_step(step, self.images, self.plan.batch_size, self.plan.seed)

    def _share(self, rows: slice, epoch: int, chosen_b: Numbers, images_bhwc: Tensor) -> Share:
        seed, device = self.plan.seed, images_bhwc.device
        masks = self.part_masks.of(chosen_b)
        views, priors = [], []
        kinds = [kind for kind in self.kinds for _ in range(kind.count)]
        for number, kind in enumerate(kinds):
            uniforms = uniforms_of_view(seed, epoch, chosen_b, number)
            noise_bchw = None
            if kind.ranges.noise > 0:
                shape, stream = (3, kind.side_px, kind.side_px), _NOISE_STREAM + number
                noise_bchw = keyed_normals(seed, epoch, chosen_b, stream, shape, device)
            view, geometry = make_views(
                images_bhwc, uniforms, kind.ranges, noise_bchw, kind.side_px
            )
            views.append(view)
            if kind.has_priors:
                priors.append(view_priors(masks, geometry, self.plan.grid))
        draws = keyed_uniforms(seed, epoch, chosen_b, _OWN_STREAM, self.plan.draws)
        return Share(rows, views, priors, torch.from_numpy(draws).to(device))
