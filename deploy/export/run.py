"""Export a trained run: graph, layout, policy and examples become one checked bundle."""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deploy.bundle.read import Bundle, open_bundle
from deploy.bundle.write import BundleContents, check_free, write_bundle
from deploy.export.card import card_text
from deploy.export.onnx_file import export_onnx
from deploy.export.parity import Parity, check_parity
from deploy.runtime.agreement import verdicts
from deploy.runtime.session import open_session
from deploy.runtime.verify import verify_bundle
from deploy.scoring.overlay import evidence_scale
from span_train.contract.errors import RunError
from span_train.contract.image import RGB, fit, load_image
from span_train.finetune.run import TrainedLine, load_trained
from span_train.storage.run_folder import describe_machine


def export_run(run: Path, out: Path) -> Bundle:
    """Write the bundle of a trained run, and read it back.

    Args:
        run: A folder written by `inspect train`.
        out: The bundle's folder; missing or empty.

    Returns:
        The bundle, checked and verified on the CPU.

    Raises:
        RunError: The run is not finished, or has no example image.
        BundleError: Something is at `out` already, or it cannot be written.
        GateMissed: The graph does not answer like the network; nothing is left at `out`.
    """
    check_free(out)
    return export_trained(load_trained(run), out, str(run))


def export_trained(trained: TrainedLine, out: Path, where: str) -> Bundle:
    """As `export_run`, for a line that is already loaded; `where` names it in messages."""
    contents = _contents(trained, where)
    write_bundle(contents, out, check=lambda folder: verify_bundle(folder, "cpu"))
    return open_bundle(out)


def _contents(trained: TrainedLine, where: str) -> BundleContents:
    images, fitted_nhwc = _examples(trained, where)
    model_bytes = _graph(trained)
    names = [path.name for path in trained.example_paths]
    graph = open_session(model_bytes, "cpu")
    parity = check_parity(trained.model, graph, fitted_nhwc, names, trained.policy)
    expected = verdicts(parity.outputs, trained.policy)
    machine = describe_machine()
    facts = _facts(trained, machine, parity)
    described = {**parity.as_json(), "versions": machine["versions"]}
    return BundleContents(
        model_bytes=model_bytes,
        layout=trained.layout,
        policy=trained.policy,
        facts=facts,
        parity=described,
        card=card_text(facts, trained.policy, described),
        examples=images,
        fitted_nhwc=fitted_nhwc,
        outputs=parity.outputs,
        verdicts=expected,
    )


def _examples(trained: TrainedLine, where: str) -> tuple[tuple[RGB, ...], Any]:
    how = trained.settings.input
    if not trained.example_paths:
        raise RunError(f"{where}: names no example image to check the bundle with; train again.")
    images = tuple(
        load_image(path, window=how.window, max_pixels=how.max_pixels)
        for path in trained.example_paths
    )
    return images, np.stack([fit(image, how.side_px, how.fit)[0] for image in images])


def _graph(trained: TrainedLine) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(trained.model, path, trained.settings.name)
        return path.read_bytes()


def _facts(trained: TrainedLine, machine: Mapping[str, Any], parity: Parity) -> dict[str, Any]:
    model, settings = trained.model, trained.settings
    types = _defect_types(trained)
    return {
        "name": settings.name,
        "created": machine["created"],
        "input": settings.input.model_dump(),
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
        "evidence_scale": evidence_scale(
            parity.outputs["evidence"][:, 0], parity.outputs["logits"][:, 0]
        ),
        "git_commit": machine["git_commit"],
        "versions": machine["versions"],
        "training": _plain({k: v for k, v in trained.summary.items() if k != "examples"}),
    }


def _defect_types(trained: TrainedLine) -> tuple[str, ...]:
    """The types the network tells apart, else the only class of defect there is."""
    classes = tuple(trained.summary.get("defect_classes", ()))
    return trained.model.defect_types or (classes if len(classes) == 1 else ())


def _plain(value: Any) -> Any:
    """Facts as plain JSON values; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
