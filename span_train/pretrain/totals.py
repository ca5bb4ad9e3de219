"""Add up what a step measures, over the parts of its batch and over all processes.

Everything is kept as sums with their counts and divided at the end: a mean of means would give
small parts of a batch the weight of large ones.
"""

import torch
from torch import Tensor

from span_train.pretrain.processes import Processes


class Totals:
    """Named vectors of sums."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, name: str, *sums: Tensor | float) -> None:
        """Add numbers or vectors, joined to one vector, to what was added under this name."""
        flat = [torch.as_tensor(one).detach().double().flatten() for one in sums]
        device = max(flat, key=lambda one: one.is_cuda).device
        joined = torch.cat([one.to(device) for one in flat])
        self._sums[name] = self._sums[name] + joined if name in self._sums else joined

    def over_all(self, processes: Processes) -> dict[str, Tensor]:
        """The sums over all processes, in one exchange; float64."""
        together = processes.sum(torch.cat(list(self._sums.values())))
        lengths = [len(one) for one in self._sums.values()]
        return dict(zip(self._sums, together.split(lengths), strict=True))


def mean_of(sums: Tensor) -> Tensor:
    """Sums by their count, which stands last; 0 where nothing was counted."""
    return sums[:-1] / sums[-1].clamp(min=1)
