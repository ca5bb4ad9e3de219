"""Export a trained run: graph, layout, policy and examples become one checked bundle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from deploy.bundle.graph_outputs import Precision
from deploy.bundle.read import Bundle, open_bundle
from deploy.bundle.seen import SeenImages
from deploy.bundle.signature import Sign, signer
from deploy.bundle.write import BundleContents, check_free, write_bundle
from deploy.export.calibration_parity import MAX_FLIPS, CalibrationParity, check_calibration
from deploy.export.card import card_text
from deploy.export.check_images import MOST_IMAGES, CheckImages, check_images
from deploy.export.facts import file_properties, line_facts, manifest_facts
from deploy.export.float16 import in_float16
from deploy.export.int8 import in_int8, plans
from deploy.export.onnx_file import finished, trace
from deploy.export.parity import NetworkAnswers, Parity, ask_network, check_parity
from deploy.runtime.session import open_session
from deploy.runtime.verify import verify_bundle
from span_train.contract.errors import GateMissed, InputError, RunError
from span_train.contract.framing import framing_of, read_reference
from span_train.contract.image import RGB, load_image
from span_train.finetune.run import TrainedLine, load_trained
from span_train.storage.run_folder import describe_machine


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Attributes:
        precision: Of the numbers inside the graph.
        max_flips: Share of the calibration images whose verdict may differ from the network's, in
            float16 and int8.
        check_images: The most calibration images to compare on; 0 leaves that out (float32 only).
        sign_key: Private key file; None leaves the bundle unsigned.
    """

    precision: Precision = "float32"
    max_flips: float = MAX_FLIPS
    check_images: int = MOST_IMAGES
    sign_key: Path | None = None


@dataclass(frozen=True)
class _Candidate:
    """A graph, which of its layers round more than in training, and what was compared."""

    model_bytes: bytes
    words: str
    parity: Parity
    calibration: CalibrationParity | None


def export_run(run: Path, out: Path, options: ExportOptions = ExportOptions()) -> Bundle:
    """Write the bundle of a trained run, and read it back.

    Args:
        run: A folder written by `inspect train`.
        out: The bundle's folder, missing or empty; or, ending in `.zip`, its file.

    Returns:
        The bundle, checked and verified on the CPU.

    Raises:
        RunError: The run is not finished, or has no example image.
        InputError: The line's images are not where they were, or the key is none.
        BundleError: Something is at `out` already, or it cannot be written.
        GateMissed: The graph does not answer like the network; nothing is left at `out`.
    """
    check_free(out)
    return export_trained(load_trained(run), out, str(run), options)


def export_trained(
    trained: TrainedLine, out: Path, where: str, options: ExportOptions = ExportOptions()
) -> Bundle:
    """As `export_run`, for a line that is already loaded; `where` names it in messages."""
    sign = signer(options.sign_key) if options.sign_key else None
    contents = _contents(trained, where, options, sign)
    write_bundle(contents, out, check=lambda bundle: verify_bundle(bundle, "cpu"), sign=sign)
    return open_bundle(out)


def _contents(
    trained: TrainedLine, where: str, options: ExportOptions, sign: Sign | None
) -> BundleContents:
    pictures, squares_nhwc = _examples(trained, where)
    names, how = [path.name for path in trained.example_paths], trained.settings.input
    examples = ask_network(trained.model, squares_nhwc, names, trained.policy)
    machine = describe_machine()
    facts = line_facts(trained, machine, options.precision)
    chosen, refused = _choose(trained, examples, facts, options)
    parity = {
        **chosen.parity.as_json(),
        "rounded": chosen.words,
        "refused": refused,
        "calibration": chosen.calibration and chosen.calibration.as_json(),
        "versions": machine["versions"],
    }
    return BundleContents(
        model_bytes=chosen.model_bytes,
        layout=trained.layout,
        policy=trained.policy,
        facts=manifest_facts(facts, chosen.parity),
        parity=parity,
        card=card_text(facts, trained.policy, parity, signed=sign is not None),
        examples=pictures,
        fitted_nhwc=squares_nhwc,
        outputs=chosen.parity.outputs,
        verdicts=chosen.parity.verdicts,
        seen=_seen(trained),
        reference=None if how.align == "off" else read_reference(how),
    )


def _seen(trained: TrainedLine) -> bytes:
    roles = trained.roles
    return SeenImages.of_hashes(roles.learnt, roles.calibration).as_bytes() if roles else b""


def _examples(trained: TrainedLine, where: str) -> tuple[tuple[RGB, ...], npt.NDArray[np.uint8]]:
    how = trained.settings.input
    if not trained.example_paths:
        raise RunError(f"{where}: names no example image to check the bundle with; train again.")
    images = tuple(
        load_image(path, window=how.window, max_pixels=how.max_pixels)
        for path in trained.example_paths
    )
    framing = framing_of(how)
    return images, np.stack([framing(image).square for image in images])


def _choose(
    trained: TrainedLine,
    examples: NetworkAnswers,
    facts: Mapping[str, Any],
    options: ExportOptions,
) -> tuple[_Candidate, list[str]]:
    """The first graph that answers like the network, and why those before it do not."""
    calibration = _calibration(trained, options)
    refused: list[str] = []
    for words, graph in _graphs(trained, options.precision, calibration):
        model_bytes = finished(graph, file_properties(facts))
        session = open_session(model_bytes, "cpu")
        try:
            parity = check_parity(examples, session, trained.policy, options.precision)
            compared = calibration and check_calibration(
                *calibration, session, trained.policy, options.precision, options.max_flips
            )
        except GateMissed as problem:
            refused.append(f"{words}: {problem}" if words else str(problem))
        else:
            return _Candidate(model_bytes, words, parity, compared), refused
    raise GateMissed(refused[-1])


def _calibration(
    trained: TrainedLine, options: ExportOptions
) -> tuple[NetworkAnswers, CheckImages] | None:
    if not options.check_images:
        if options.precision != "float32":
            raise InputError(
                f"{options.precision} is only exported with calibration images to count verdicts "
                "on; leave --check-images out, or export in float32."
            )
        return None
    images = check_images(trained.settings, options.check_images)
    answers = ask_network(trained.model, images.squares_nhwc, images.names, trained.policy)
    return answers, images


def _graphs(
    trained: TrainedLine, precision: Precision, calibration: tuple[object, CheckImages] | None
) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Graphs to try, in order, with what rounds more in them than in training."""
    if precision == "float16":
        yield "the blocks", trace(in_float16(trained.model)).graph
        return
    traced = trace(trained.model)
    if precision == "float32" or calibration is None:
        yield "", traced.graph
        return
    for plan in plans(traced, max(trained.settings.train.blocks)):
        yield plan.words, in_int8(traced, plan, calibration[1].for_ranges_nhwc)
