import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS
from deploy.export.facts import file_properties, line_facts
from deploy.export.onnx_file import TracedGraph, finished, trace
from deploy.export.parity import ask_network, check_parity
from deploy.runtime.session import open_session
from span_train.finetune.run import TrainedLine
from span_train.policy.policy import Policy
from tests.deploy.export.conftest import whole_model

MACHINE = {"created": "2026-01-02", "git_commit": "c0ffee", "versions": {"torch": "2.15.0"}}


@pytest.fixture(scope="module")
def trained(make_trained: Callable[..., TrainedLine]) -> TrainedLine:
    return make_trained()


@pytest.fixture(scope="module")
def traced(trained: TrainedLine) -> TracedGraph:
    return trace(trained.model)


@pytest.fixture(scope="module")
def model_bytes(trained: TrainedLine, traced: TracedGraph) -> bytes:
    return finished(traced.graph, file_properties(line_facts(trained, MACHINE, "float32")))


@pytest.mark.parametrize("images", [1, 3, 7])
def test_any_number_of_images_gives_what_torch_gives(
    trained: TrainedLine, model_bytes: bytes, images: int
) -> None:
    batch = np.random.default_rng(images).integers(0, 256, (images, 32, 32, 3), np.uint8)
    found = open_session(model_bytes, "cpu").run(batch)
    with torch.inference_mode():
        expected = trained.model(torch.from_numpy(batch))
    for name, answer in zip(GRAPH_OUTPUTS, expected, strict=True):
        assert found[name].dtype == np.float32
        assert found[name].shape == tuple(answer.shape)
        np.testing.assert_allclose(found[name], answer.numpy(), atol=1e-5)


def test_the_networks_own_operations_survive_export(whole_traced: TracedGraph) -> None:
    model, policy = whole_model(), Policy(t_pass=0.0, t_fail=1.0)
    graph = open_session(finished(whole_traced.graph, {}), "cpu")
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    parity = check_parity(ask_network(model, images, list("abcde"), policy), graph, policy)
    assert max(parity.agreement.largest_difference.values()) < 1e-4
    assert parity.largest_sum_gap < 1e-5


def test_the_same_weights_give_the_same_bytes(trained: TrainedLine, model_bytes: bytes) -> None:
    properties = file_properties(line_facts(trained, MACHINE, "float32"))
    assert finished(trace(trained.model).graph, properties) == model_bytes


def test_nothing_of_the_training_machine_is_in_the_file(model_bytes: bytes) -> None:
    for trace_of_it in (b".py", b"site-packages", str(Path.cwd()).encode(), b"stack_trace"):
        assert trace_of_it not in model_bytes


def test_the_file_alone_says_what_it_is(model_bytes: bytes) -> None:
    graph = onnx.load_from_string(model_bytes)
    properties = {each.key: each.value for each in graph.metadata_props}
    assert properties["name"] == "pump-v4"
    assert properties["precision"] == "float32"
    assert properties["schema_version"] == "1"
    assert properties["git_commit"] == "c0ffee"
    assert json.loads(properties["parts"]) == ["body", "left_lead"]
    assert json.loads(properties["heads"]) == ["body", "left_lead", "free 1", "free 2"]
    assert json.loads(properties["features"])[3] == {"name": "top patches", "part": "elsewhere"}
    assert json.loads(properties["classes"]) == ["good", "scratch", "blot"]
    assert json.loads(properties["input"])["side_px"] == 32
    assert json.loads(properties["versions"]) == {"torch": "2.15.0"}


def test_the_graph_says_what_it_takes_and_gives(model_bytes: bytes) -> None:
    graph = onnx.load_from_string(model_bytes).graph
    assert [value.name for value in graph.input] == ["images"]
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [value.name for value in graph.output] == list(GRAPH_OUTPUTS)
    for value in (graph.input[0], graph.output[0]):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_every_value_in_the_file_has_its_type(model_bytes: bytes) -> None:
    graph = onnx.load_from_string(model_bytes).graph
    known = {value.name for value in (*graph.value_info, *graph.input, *graph.output)}
    assert {name for node in graph.node for name in node.output} <= known


def test_nodes_are_known_by_the_module_they_came_from(traced: TracedGraph) -> None:
    products = [node.name for node in traced.graph.graph.node if node.op_type == "MatMul"]
    assert "look" in {traced.module_of[name] for name in products}


def test_export_prints_nothing(trained: TrainedLine, capfd: pytest.CaptureFixture[str]) -> None:
    finished(trace(trained.model).graph, {})
    assert capfd.readouterr() == ("", "")


def test_a_model_in_training_mode_is_refused(make_trained: Callable[..., TrainedLine]) -> None:
    with pytest.raises(ValueError, match="training mode"):
        trace(make_trained().model.train())
