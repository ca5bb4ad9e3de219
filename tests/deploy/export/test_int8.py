from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest

from deploy.export.int8 import in_int8, plans
from deploy.export.onnx_file import TracedGraph, finished, trace
from deploy.runtime.session import open_session
from span_train.contract.errors import RunError
from span_train.finetune.run import TrainedLine


@pytest.fixture(scope="module")
def squares() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)


def test_more_and_more_layers_before_the_deviations_stay_in_float32(
    whole_traced: TracedGraph,
) -> None:
    found = plans(whole_traced, looked_at=1)
    assert [plan.words for plan in found] == [
        "all linear layers",
        "all linear layers but the last of each MLP in block 1",
        "all linear layers but the MLPs of block 1",
        "the linear layers after block 1",
    ]
    block = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"]
    first, second = (
        [f"backbone.vit.blocks.{number}.{name}" for name in block] for number in (0, 1)
    )
    modules = [[whole_traced.module_of[node] for node in plan.nodes] for plan in found]
    assert modules == [first + second, first[:3] + second, first[:2] + second, second]


def test_a_network_without_linear_layers_cannot_be_int8(
    make_trained: Callable[..., TrainedLine],
) -> None:
    with pytest.raises(RunError, match="hold no linear layer; use float32"):
        plans(trace(make_trained().model), looked_at=1)


def test_only_the_planned_layers_are_rounded(
    whole_traced: TracedGraph, squares: np.ndarray
) -> None:
    plan = plans(whole_traced, looked_at=1)[3]
    graph = in_int8(whole_traced, plan, squares)
    kinds = Counter(node.op_type for node in graph.graph.node)
    assert kinds["QuantizeLinear"] == 4
    weights = [one for one in graph.graph.initializer if one.data_type == onnx.TensorProto.INT8]
    largest = [np.abs(onnx.numpy_helper.to_array(one)).max() for one in weights]
    assert max(largest) <= 64


def test_int8_answers_much_like_float32(whole_traced: TracedGraph, squares: np.ndarray) -> None:
    rounded = in_int8(whole_traced, plans(whole_traced, looked_at=1)[0], squares)
    expected, found = (
        open_session(finished(graph, {}), "cpu").run(squares)
        for graph in (whole_traced.graph, rounded)
    )
    apart = np.abs(expected["attention"] - found["attention"]).max()
    assert 0 < apart < 0.05
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    assert b"pre_process" not in finished(rounded, {})
