"""Write the network as one ONNX file that any number of images a batch can go through."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import onnx
import torch

from deploy.bundle.graph_outputs import GRAPH_INPUT, GRAPH_OUTPUTS
from span_train.models.inspection_model import InspectionModel

_CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")


def export_onnx(model: InspectionModel, path: Path, name: str = "inspection") -> None:
    """Write a model as ONNX, checked, with nothing of the training machine in it.

    The graph takes `images` (N, S, S, 3) uint8, N free, and gives the seven outputs of
    `graph_outputs` in float32. The same weights give the same bytes.

    Args:
        model: In evaluation mode, on the CPU.
        path: The file to write; its folder exists.
        name: The line's name, kept in the file with part, head and feature names.

    Raises:
        ValueError: The model is in training mode.
        onnx.checker.ValidationError: The exported graph is not valid ONNX.
    """
    if model.training:
        raise ValueError("the model is in training mode; call model.eval() before export.")
    graph = _trace(model)
    _forget_the_machine(graph)
    onnx.helper.set_model_props(graph, _properties(model, name))
    inferred = onnx.shape_inference.infer_shapes(graph, check_type=True, strict_mode=True)
    onnx.checker.check_model(inferred, full_check=True)
    path.write_bytes(inferred.SerializeToString(deterministic=True))


def _trace(model: InspectionModel) -> onnx.ModelProto:
    # Two images: with one, the batch axis would be taken for a constant.
    example = torch.zeros(2, model.side_px, model.side_px, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            input_names=[GRAPH_INPUT],
            output_names=list(GRAPH_OUTPUTS),
            dynamic_shapes=({0: batch},),
            verbose=False,
        )
    assert program is not None, "torch.onnx.export with dynamo gives a program"
    return program.model_proto


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


def _properties(model: InspectionModel, name: str) -> dict[str, str]:
    return {
        "name": name,
        "parts": json.dumps(list(model.part_names)),
        "heads": json.dumps(list(model.head_names)),
        "features": json.dumps([feature.name for feature in model.features]),
    }


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
