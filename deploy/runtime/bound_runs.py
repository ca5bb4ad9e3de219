"""Run the graph with its input and outputs in the GPU's memory, kept from one batch to the next."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from deploy.bundle.graph_outputs import GRAPH_INPUT, PER_IMAGE_OUTPUTS

_KEPT_SIZES = 4


@dataclass(frozen=True)
class _Buffers:
    """Memory for one batch size, and the binding that makes the graph use it."""

    images: ort.OrtValue
    outputs: dict[str, ort.OrtValue]
    binding: ort.IOBinding


class BoundRuns:
    """Runs of one session over memory that stays; threads may share it, one runs at a time.

    Without it every run allocates on the device and copies each output by itself. The last few
    batch sizes keep their memory; more would fill the device of a program that varies them.
    """

    def __init__(self, session: ort.InferenceSession, device: Literal["cuda", "cpu"]) -> None:
        """Bind a session.

        Args:
            session: Runs on `device`; its outputs are float32, with fixed shapes but for the
                image axis.
            device: `cuda`; `cpu` does the same in the machine's own memory.
        """
        self._session, self._device = session, device
        self._kept: OrderedDict[int, _Buffers] = OrderedDict()
        self._alone = threading.Lock()

    def run(self, images_nhwc: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Copy (N, S, S, 3) uint8 images over, run, and copy the outputs back, by name."""
        with self._alone:
            buffers = self._buffers_for(images_nhwc.shape)
            buffers.images.update_inplace(np.ascontiguousarray(images_nhwc))
            self._session.run_with_iobinding(buffers.binding)
            return {name: value.numpy().copy() for name, value in buffers.outputs.items()}

    def _buffers_for(self, shape: tuple[int, ...]) -> _Buffers:
        count = shape[0]
        if count not in self._kept:
            if len(self._kept) == _KEPT_SIZES:
                self._kept.popitem(last=False)
            self._kept[count] = self._allocate(shape)
        self._kept.move_to_end(count)
        return self._kept[count]

    def _allocate(self, shape: tuple[int, ...]) -> _Buffers:
        binding = self._session.io_binding()
        images = self._on_device(shape, np.uint8)
        binding.bind_ortvalue_input(GRAPH_INPUT, images)
        outputs = {}
        for value in self._session.get_outputs():
            per_image = value.name in PER_IMAGE_OUTPUTS
            whole = (shape[0], *value.shape[1:]) if per_image else tuple(value.shape)
            outputs[value.name] = self._on_device(whole, np.float32)
            binding.bind_ortvalue_output(value.name, outputs[value.name])
        return _Buffers(images, outputs, binding)

    def _on_device(self, shape: tuple[int, ...], kind: type[np.generic]) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_shape_and_type(shape, kind, self._device, 0)
