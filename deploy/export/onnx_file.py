"""Write the network as one ONNX file that any number of images a batch can go through."""

import ast
import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import onnx
import torch

from deploy.bundle.graph_outputs import GRAPH_INPUT, GRAPH_OUTPUTS
from span_train.models.inspection_model import InspectionModel

# Every ONNX Runtime that is supported reads it; the next one that matters, 23, ran no faster.
_OPSET = 20
_CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")
_SCOPES = "pkg.torch.onnx.name_scopes"


@dataclass(frozen=True)
class TracedGraph:
    """A network as an ONNX graph, optimised by the exporter, with nothing of this machine in it.

    Attributes:
        graph: The graph.
        module_of: The module of the network that each node came from, by the node's name:
            `backbone.vit.blocks.0.attn.qkv`.
    """

    graph: onnx.ModelProto
    module_of: dict[str, str]


def trace(model: InspectionModel) -> TracedGraph:
    """Turn a network into a graph that computes the same.

    The graph takes `images` (N, S, S, 3) uint8, N free, and gives the seven outputs of
    `graph_outputs` in float32.

    Args:
        model: In evaluation mode, on the CPU.

    Raises:
        ValueError: The model is in training mode.
    """
    if model.training:
        raise ValueError("the model is in training mode; call model.eval() before export.")
    graph = _export(model)
    module_of = {node.name: _module_of(node) for node in graph.graph.node}
    _forget_the_machine(graph)
    return TracedGraph(graph, module_of)


def finished(graph: onnx.ModelProto, properties: Mapping[str, str]) -> bytes:
    """The bytes of `model.onnx`: checked, with the type and shape of every value.

    The same graph and properties give the same bytes.

    Args:
        properties: Kept in the file as its metadata.

    Raises:
        onnx.checker.ValidationError: The graph is not valid ONNX.
    """
    described = copy.deepcopy(graph)
    _forget_the_machine(described)
    onnx.helper.set_model_props(described, dict(properties))
    inferred = onnx.shape_inference.infer_shapes(described, check_type=True, strict_mode=True)
    onnx.checker.check_model(inferred, full_check=True)
    content: bytes = inferred.SerializeToString(deterministic=True)
    return content


def _export(model: InspectionModel) -> onnx.ModelProto:
    # Two images: with one, the batch axis would be taken for a constant.
    example = torch.zeros(2, model.side_px, model.side_px, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            optimize=True,
            opset_version=_OPSET,
            input_names=[GRAPH_INPUT],
            output_names=list(GRAPH_OUTPUTS),
            dynamic_shapes=({0: batch},),
            verbose=False,
        )
    assert program is not None, "torch.onnx.export with dynamo gives a program"
    return program.model_proto


def _module_of(node: onnx.NodeProto) -> str:
    notes = {note.key: note.value for note in node.metadata_props}
    scopes = ast.literal_eval(notes.get(_SCOPES, "[]"))
    return str(scopes[-2]) if len(scopes) > 1 else ""


def _forget_the_machine(graph: onnx.ModelProto) -> None:
    """Drop the exporter's notes: they hold source paths of the training machine."""
    graph.doc_string = ""
    del graph.metadata_props[:]
    for owner in (graph.graph, *graph.functions):
        _forget(owner)


def _forget(owner: Any) -> None:
    owner.doc_string = ""
    del owner.metadata_props[:]
    for node in owner.node:
        _clear([node])
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    _forget(inner)
    _clear(owner.value_info)
    if isinstance(owner, onnx.GraphProto):
        _clear((*owner.input, *owner.output, *owner.initializer))


def _clear(described: Iterable[Any]) -> None:
    for each in described:
        each.doc_string = ""
        del each.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and warnings off the terminal."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
