"""Let several processes, on one machine or on many, train one network on one global batch.

Started by `torchrun` or `accelerate launch`, which tell each process its place in environment
variables; without these there is one process and nothing to exchange.

Gradients are summed by one visible call instead of torch's DistributedDataParallel. That averages
what each process takes the mean of, which is wrong where processes count different numbers of
things: parts in view, or an uneven share of the batch. Here each process adds its numerators over
the global count, so the sum over processes is the global batch's own gradient.
"""

import datetime
import os
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import TracebackType
from typing import Self, TypeVar

import torch
from torch import Tensor, distributed, nn

from span_train.contract.errors import DeviceError, InspectionError, RunError
from span_train.pretrained import choose_device

# Preparing the images of a large line is done by the first process while the others wait.
_PATIENCE = datetime.timedelta(hours=12)
_OF_ONE = {"WORLD_SIZE": "1", "RANK": "0"}
Result = TypeVar("Result")


class StoppedByAnother(RunError):
    """Raised in the other processes where the first one has said what is wrong."""


class Processes:
    """This process among all that train together; a context, left together.

    Attributes:
        rank: This process's number; the first, 0, is the one that writes.
        count: How many there are.
        device: Where this process computes.
    """

    def __init__(self, rank: int, count: int, device: torch.device) -> None:
        self.rank = rank
        self.count = count
        self.device = device

    @classmethod
    def join(cls, asked_device: str) -> Self:
        """Meet the other processes, if this one was started among several.

        Raises:
            DeviceError: The device is not there, or a machine has more processes than GPUs.
        """
        count, rank = (int(os.environ.get(name, one)) for name, one in _OF_ONE.items())
        device = choose_device(asked_device)
        if count == 1:
            return cls(0, 1, device)
        if device.type == "cuda":
            device = _own_gpu(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, rank=rank, world_size=count, timeout=_PATIENCE)
        return cls(rank, count, device)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count == 1:
            return
        if kind is None or issubclass(kind, InspectionError):
            distributed.destroy_process_group()
        if isinstance(problem, InspectionError) and not self.is_first:
            raise StoppedByAnother(str(problem)) from None

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and speaks for all."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over processes, in place; all get the same bits."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over processes, in one exchange."""
        slopes = [p.grad for p in parameters if p.grad is not None]
        if self.count == 1 or not slopes:
            return
        together = self.sum(torch.cat([slope.flatten() for slope in slopes]))
        for slope, summed in zip(slopes, together.split([s.numel() for s in slopes]), strict=True):
            slope.copy_(summed.view_as(slope))

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes the first one's values, in place."""
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def together(self, work: Callable[[], Result]) -> Result:
        """Do something in every process; where one fails, all stop with its message.

        Raises:
            InspectionError: What `work` raised, here or in another process.
        """
        if self.count == 1:
            return work()
        done: list[Result] = []
        problem: InspectionError | None = None
        try:
            done.append(work())
        except InspectionError as found:
            problem = found
        failed = torch.full((), self.count if problem is None else self.rank, device=self.device)
        distributed.all_reduce(failed, distributed.ReduceOp.MIN)
        if failed < self.count:
            message = self._tell("" if problem is None else str(problem), source=int(failed))
            raise problem or RunError(f"process {int(failed)}: {message}")
        return done[0]

    def first(self, work: Callable[[], str]) -> str:
        """Let the first process do something that all need; its answer goes to all.

        Raises:
            InspectionError: What `work` raised.
        """
        said = self.together(lambda: work() if self.is_first else "")
        return said if self.count == 1 else self._tell(said, source=0)

    def _tell(self, text: str, source: int) -> str:
        letters = torch.tensor(list(text.encode()), dtype=torch.uint8, device=self.device)
        length = torch.tensor(len(letters), device=self.device)
        distributed.broadcast(length, source)
        if self.rank != source:
            letters = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        distributed.broadcast(letters, source)
        return bytes(letters.tolist()).decode()


def alone(device: torch.device) -> Processes:
    """One process, on this device."""
    return Processes(0, 1, device)


def _own_gpu(local_rank: int) -> torch.device:
    found = torch.cuda.device_count()
    if local_rank >= found:
        raise DeviceError(
            f"process {local_rank} of this machine finds {found} GPUs; start as many processes as "
            "there are GPUs, or set pretrain.device: cpu."
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def is_first_process() -> bool:
    """Whether this process is alone, or the one that speaks for all."""
    return os.environ.get("RANK", _OF_ONE["RANK"]) == "0"


def split_rows(rows: slice, parts: int) -> list[slice]:
    """Nearly equal, contiguous parts of some rows; the first ones may be one larger."""
    smaller, larger = divmod(rows.stop - rows.start, parts)
    starts = [rows.start + part * smaller + min(part, larger) for part in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(starts)]
