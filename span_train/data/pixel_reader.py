"""Hand over a step's images, and read the next ones from the disk while this step is computed.

Letters: M images of the cache, B images asked for, S side in pixels.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.data.keyed_draws import Numbers


class PixelReader:
    """Reads ahead, so that an accelerator does not wait for the disk.

    Args:
        images_mssc: (M, S, S, 3) uint8, fitted images; may be memory-mapped.
        device: Where the images are needed.
        ahead: Whether to read in a second thread; by default where the device is no CPU.
    """

    def __init__(
        self,
        images_mssc: npt.NDArray[np.uint8],
        device: torch.device,
        ahead: bool | None = None,
    ) -> None:
        self._images_mssc = images_mssc
        self._device = device
        self._ahead = device.type != "cpu" if ahead is None else ahead
        self._thread: ThreadPoolExecutor | None = None
        self._next: tuple[bytes, Future[Tensor]] | None = None

    def read(self, chosen_b: Numbers, next_b: Numbers) -> Tensor:
        """These images, (B, S, S, 3) uint8 on the device; `next_b` will be asked for next."""
        pixels = self._expected(chosen_b)
        if pixels is None:
            pixels = self._from_disk(chosen_b)
        if self._ahead:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="pixels")
            self._next = next_b.tobytes(), self._thread.submit(self._from_disk, next_b)
        return pixels.to(self._device, non_blocking=True)

    def _expected(self, chosen_b: Numbers) -> Tensor | None:
        if self._next is None or self._next[0] != chosen_b.tobytes():
            return None
        return self._next[1].result()

    def _from_disk(self, chosen_b: Numbers) -> Tensor:
        pixels = torch.from_numpy(self._images_mssc[chosen_b])
        return pixels.pin_memory() if self._device.type == "cuda" else pixels
