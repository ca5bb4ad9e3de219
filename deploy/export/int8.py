"""Turn linear layers into 8-bit arithmetic, for CPUs, as many of them as the verdicts bear.

Rounding before the deviations adds to every one of them; rounding after them moves the attention
alone. So the layers are ranked by where they lie, and `plans` leaves out more and more of those
that reach the deviations; `benchmarks/precisions.py` measures what each plan costs and gains.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from deploy.bundle.graph_outputs import GRAPH_INPUT
from deploy.export.onnx_file import TracedGraph
from span_train.contract.errors import RunError

_LAYER = re.compile(r"blocks\.(\d+)\.(attn|mlp)\.")
_BATCH = 8
_PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}


@dataclass(frozen=True)
class Layer:
    """A linear layer of a block.

    Attributes:
        node: Its node in the graph.
        block: Number of the block, 1 is the first.
        in_mlp: Whether it belongs to the block's MLP, not to its attention.
        last: Whether it is the last layer of its MLP: what it takes has the widest range.
    """

    node: str
    block: int
    in_mlp: bool
    last: bool


@dataclass(frozen=True)
class Plan:
    """Which layers become 8 bit, and how to say it."""

    words: str
    nodes: tuple[str, ...]


def plans(traced: TracedGraph, looked_at: int) -> list[Plan]:
    """What to try, from the most layers in 8 bits to the fewest.

    Args:
        looked_at: Number of the last block whose patch features the deviations are made of.

    Raises:
        RunError: The network has no linear layer in its blocks.
    """
    layers = _layers(traced)
    before = f"blocks 1 to {looked_at}" if looked_at > 1 else "block 1"
    tried: tuple[tuple[str, Callable[[Layer], bool]], ...] = (
        ("all linear layers", lambda layer: True),
        (
            f"all linear layers but the last of each MLP in {before}",
            lambda layer: layer.block > looked_at or not layer.last,
        ),
        (
            f"all linear layers but the MLPs of {before}",
            lambda layer: layer.block > looked_at or not layer.in_mlp,
        ),
        (f"the linear layers after {before}", lambda layer: layer.block > looked_at),
    )
    found = [
        Plan(words, tuple(layer.node for layer in layers if chosen(layer)))
        for words, chosen in tried
    ]
    return [plan for plan in found if plan.nodes]


def in_int8(
    traced: TracedGraph, plan: Plan, squares_nhwc: npt.NDArray[np.uint8]
) -> onnx.ModelProto:
    """The graph with a plan's layers in 8 bits.

    Weights get a scale a channel and 7 bits, so that older CPUs cannot overflow and every CPU
    rounds alike; activations get 8 bits and the range seen on the images.

    Args:
        traced: The graph in float32.
        squares_nhwc: (N, S, S, 3) uint8 images, others than those the result is judged on.
    """
    graph = onnx.shape_inference.infer_shapes(traced.graph)
    onnx.helper.set_model_props(graph, _PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        float32, int8 = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        onnx.save(graph, float32)
        quantize_static(
            float32,
            int8,
            _Images(squares_nhwc),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=list(plan.nodes),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            # The sums of a layer are exact; rounding them too would only lose.
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
        return onnx.load(int8)


class _Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, squares_nhwc: npt.NDArray[np.uint8]) -> None:
        starts = range(0, len(squares_nhwc), _BATCH)
        self._batches: Iterator[dict[str, Any]] = iter(
            [{GRAPH_INPUT: squares_nhwc[start : start + _BATCH]} for start in starts]
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def _layers(traced: TracedGraph) -> list[Layer]:
    """The blocks' matrix products with fixed weights, in the graph's order."""
    fixed = {initializer.name for initializer in traced.graph.graph.initializer}
    found = [
        (node.name, match)
        for node in traced.graph.graph.node
        if node.op_type == "MatMul"
        and node.input[1] in fixed
        and (match := _LAYER.search(traced.module_of[node.name]))
    ]
    if not found:
        raise RunError("int8: the network's blocks hold no linear layer; use float32 or float16.")
    last_of_mlp = {match[0]: name for name, match in found if match[2] == "mlp"}
    return [
        Layer(name, int(match[1]) + 1, match[2] == "mlp", name in last_of_mlp.values())
        for name, match in found
    ]
