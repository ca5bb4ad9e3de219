"""Prove on the line PC that a bundle answers there as it did at export, without torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.bundle.framing import bundle_framing
from deploy.bundle.graph_outputs import Precision
from deploy.bundle.read import Bundle, Examples, Signature, open_bundle, read_examples
from deploy.runtime.agreement import LINE_TOLERANCE, Agreement, compare
from deploy.runtime.session import GraphSession, Provider, ProviderChoice, open_bundle_session
from span_train.contract.errors import GateMissed

MOST_APART = 1.0  # grey levels


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_bundle` found.

    Attributes:
        bundle: Name and short id of the bundle.
        precision: Of the numbers inside its graph.
        signature: Whether it was checked, could not be as no key is configured, or is not there.
        provider: Where the graph ran: `cpu` or `cuda`.
        images: How many example images were compared.
        largest_difference: By output, as in `Agreement`.
        verdict_flips: Verdicts that differ; 0, or verification fails.
        largest_grey_difference: Of the fitted images, in grey levels of 0 to 255.
    """

    bundle: str
    precision: Precision
    signature: Signature
    provider: Provider
    images: int
    largest_difference: dict[str, float]
    verdict_flips: int
    largest_grey_difference: int


def verify_bundle(
    folder: Path, provider: ProviderChoice = "auto", public_key: Path | None = None
) -> VerifyReport:
    """Run a bundle's example images here and compare with the answers it came with.

    Args:
        folder: The bundle's folder or zip.
        public_key: As for `open_bundle`.

    Raises:
        BundleError: The bundle is incomplete, changed, too new, or not signed as it must be.
        DeviceError: `cuda` was asked for and is not there.
        GateMissed: An output is above its tolerance (float32: logits 1e-4, others 1e-3; float16 and
            int8: logits 0.02 and 0.1), or a verdict differs; the message names the worst image.
    """
    return verify_open_bundle(open_bundle(folder, public_key), provider)


def verify_open_bundle(bundle: Bundle, provider: ProviderChoice = "auto") -> VerifyReport:
    """The same for a bundle that is open already, so that it cannot be exchanged meanwhile."""
    graph = open_bundle_session(bundle, provider)
    agreement, grey_difference = _answers_here(bundle, read_examples(bundle), graph)
    seen_otherwise = (
        f"the images themselves are fitted differently here (by up to {grey_difference} grey "
        "levels): install the opencv-python version named in the manifest"
    )
    advice = "this machine must not use the bundle; export again with the versions installed here"
    agreement.check(
        f"{bundle.folder}: here on {graph.provider}",
        seen_otherwise if grey_difference else advice,
        LINE_TOLERANCE[bundle.manifest.precision],
    )
    return VerifyReport(
        bundle=bundle.label,
        precision=bundle.manifest.precision,
        signature=bundle.signature,
        provider=graph.provider,
        images=agreement.images,
        largest_difference=agreement.largest_difference,
        verdict_flips=len(agreement.flips),
        largest_grey_difference=grey_difference,
    )


def _answers_here(bundle: Bundle, examples: Examples, graph: GraphSession) -> tuple[Agreement, int]:
    framing = bundle_framing(bundle)
    squares = np.stack([framing(image).square for image in examples.images])
    apart = np.abs(squares.astype(np.int16) - examples.fitted_nhwc)
    if bundle.manifest.input.align != "off":
        # Another processor may find a motion otherwise in its last digits: that is held to grey
        # levels, and the graph to the squares of the export.
        _check_aligned(bundle, float(apart.mean()))
        squares = examples.fitted_nhwc
    agreement = compare(
        examples.outputs, graph.run(squares), examples.names, examples.verdicts, bundle.policy
    )
    return agreement, int(apart.max(initial=0))


def _check_aligned(bundle: Bundle, mean_apart: float) -> None:
    if mean_apart > MOST_APART:
        raise GateMissed(
            f"{bundle.folder}: the example images are aligned differently here, by "
            f"{mean_apart:.2f} grey levels on average (at most {MOST_APART}); install the "
            "opencv-python version named in the manifest, or export again on such a machine."
        )
