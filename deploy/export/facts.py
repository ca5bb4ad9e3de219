"""Facts about a trained line: for the bundle's manifest, and inside the ONNX file itself."""

import json
import math
from collections.abc import Mapping
from typing import Any

from deploy.bundle.graph_outputs import Precision
from deploy.bundle.manifest import SCHEMA_VERSION
from deploy.export.parity import Parity
from deploy.scoring.overlay import evidence_scale
from span_train.finetune.run import TrainedLine

_IN_THE_FILE = ("name", "precision", "parts", "heads", "features", "classes", "input", "versions")


def line_facts(
    trained: TrainedLine, machine: Mapping[str, Any], precision: Precision
) -> dict[str, Any]:
    """What the manifest says, as far as it is known before the graph is checked."""
    model, settings = trained.model, trained.settings
    types = _defect_types(trained)
    return {
        "name": settings.name,
        "created": machine["created"],
        "precision": precision,
        "input": settings.input.model_dump(exclude={"reference"}),
        "grid": model.grid,
        "parts": model.part_names,
        "heads": model.head_names,
        "head_parts": tuple(
            head if head in model.part_names else None for head in model.head_names
        ),
        "features": tuple(
            {"name": feature.name, "part": feature.part} for feature in model.features
        ),
        "defect_types": types,
        "classes": (settings.good_class, *types),
        "git_commit": machine["git_commit"],
        "versions": machine["versions"],
        "training": _plain({k: v for k, v in trained.summary.items() if k != "examples"}),
    }


def manifest_facts(facts: Mapping[str, Any], parity: Parity) -> dict[str, Any]:
    """All of the manifest but its hashes."""
    scale = evidence_scale(parity.outputs["evidence"][:, 0], parity.outputs["logits"][:, 0])
    return {**facts, "evidence_scale": scale}


def file_properties(facts: Mapping[str, Any]) -> dict[str, str]:
    """Metadata of the ONNX file, so that a graph without its bundle still says what it is."""
    told = {
        **{key: facts[key] for key in _IN_THE_FILE},
        "schema_version": SCHEMA_VERSION,
        "git_commit": facts["git_commit"] or "unknown",
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()
    }


def _plain(value: Any) -> Any:
    """Facts as plain JSON values; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _defect_types(trained: TrainedLine) -> tuple[str, ...]:
    """The types the network tells apart, else the only class of defect there is."""
    classes = tuple(trained.summary.get("defect_classes", ()))
    return trained.model.defect_types or (classes if len(classes) == 1 else ())
