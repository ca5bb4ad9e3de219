"""Inspect images with a bundle: verdict, reason, and where and in which part the evidence lies.

inspector = Inspector.open("bundle")
inspection = inspector.inspect(inspector.read("part.png"))
print(inspection.verdict, inspection.reason)
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deploy.bundle.framing import bundle_framing
from deploy.bundle.read import Bundle, open_bundle
from deploy.runtime.session import GraphSession, Provider, ProviderChoice
from deploy.runtime.shared_session import shared_bundle_session
from span_train.contract.framing import Framing
from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB, decode_image, load_image
from span_train.contract.image_quality import ImageQuality, measure_quality
from span_train.contract.image_readings import readings_of
from span_train.policy.gate import strangeness
from span_train.policy.policy import VerdictName

Outputs = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class FittedImage:
    """One image as the graph takes it.

    Attributes:
        square: (S, S, 3) uint8.
        geometry: How the square came from the image.
        quality: Brightness and sharpness of the square.
        fit_ms: Time that aligning, fitting and measuring took.
        alignment: How well the image was aligned, 1 at best; None where nothing is aligned.
        readings: What the gate asks of the image; empty where the bundle has no gate.
    """

    square: RGB
    geometry: Geometry
    quality: ImageQuality
    fit_ms: float
    alignment: float | None = None
    readings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Inspection:
    """What was found in one image. G is the side of the patch grid, H the number of heads.

    Attributes:
        z: The defect logit.
        verdict, reason: What the policy says to z and the outlier score.
        defect_type: The likeliest type; None for `pass` and where no types are known.
        outlier: How unlike the good parts seen the image is.
        outlier_parts: The same by part.
        contributions: What each part, `elsewhere` and `free` add to z; with `bias` they sum to z.
        bias: z of the average good part.
        evidence: (G, G) float32, what each patch adds to z; with `bias` it sums to z.
        attention: (H, G, G) float32, where each head looks; every map sums to 1.
        geometry: Maps maps and boxes back to original pixels.
        fitted: (S, S, 3) uint8, the image as the graph saw it.
        quality: Brightness and sharpness.
        alignment: How well the image was aligned, 1 at best; None where nothing is aligned.
        latency_ms: From fitting to verdict; the time of a batch is shared equally by its images.
    """

    z: float
    verdict: VerdictName
    reason: str
    defect_type: str | None
    outlier: float
    outlier_parts: dict[str, float]
    contributions: dict[str, float]
    bias: float
    evidence: npt.NDArray[np.float32] = field(repr=False)
    attention: npt.NDArray[np.float32] = field(repr=False)
    geometry: Geometry
    fitted: RGB = field(repr=False)
    quality: ImageQuality
    latency_ms: float
    alignment: float | None = None


@dataclass(frozen=True)
class Inspector:
    """A bundle with its graph open and warm; threads may share one.

    Inspectors of the same graph in one process share its session.

    Attributes:
        bundle: The bundle that inspects.
        graph: Its open graph.
        framing: Brings images to what the graph takes.
    """

    bundle: Bundle
    graph: GraphSession
    framing: Framing

    @classmethod
    def open(
        cls, bundle: Path | str | Bundle, provider: ProviderChoice = "auto", threads: int = 0
    ) -> "Inspector":
        """Open a bundle for inspection and run its graph once, so that the first part is not slow.

        Args:
            bundle: Where it lies, or a bundle already opened.
            provider: `auto`, `cpu` or `cuda`.
            threads: Threads of one run on the CPU; 0 takes what this process may use.

        Raises:
            BundleError: The bundle is incomplete, changed or too new.
            DeviceError: `cuda` was asked for and is not there.
        """
        opened = bundle if isinstance(bundle, Bundle) else open_bundle(Path(bundle))
        graph = shared_bundle_session(opened, provider, threads)
        inspector = cls(opened, graph, bundle_framing(opened))
        inspector.warm_up(1)
        return inspector

    @property
    def provider(self) -> Provider:
        """Where the graph runs: `cpu` or `cuda`."""
        return self.graph.provider

    def warm_up(self, batch_size: int) -> None:
        """Run a black batch, so that memory and kernels for this size are ready."""
        side_px = self.bundle.manifest.input.side_px
        self.graph.run(np.zeros((batch_size, side_px, side_px, 3), np.uint8))

    def read(self, path: Path | str) -> RGB:
        """Read an image file as this bundle takes it: uint8 (H, W, 3), in original size.

        Raises:
            ImageError: It is no image, is damaged, has more pixels than the bundle allows, or has
                16 bits where the bundle declares no window.
        """
        contract = self.bundle.manifest.input
        return load_image(Path(path), window=contract.window, max_pixels=contract.max_pixels)

    def decode(self, content: bytes, where: Path | str) -> RGB:
        """As `read`, for the bytes of an image file; `where` names it in messages.

        Raises:
            ImageError: As for `read`.
        """
        contract = self.bundle.manifest.input
        return decode_image(content, where, window=contract.window, max_pixels=contract.max_pixels)

    def inspect(self, image: RGB) -> Inspection:
        """Inspect one RGB image, uint8 (H, W, 3) in original size.

        Raises:
            ValueError: The image is of another type or shape.
        """
        return self.inspect_batch([image])[0]

    def inspect_batch(self, images: Sequence[RGB], at_once: int = 32) -> list[Inspection]:
        """Inspect RGB images, uint8 (H, W, 3) each and of any size.

        Args:
            at_once: The most images in one run of the graph; its memory grows with them.

        Raises:
            ValueError: An image is of another type or shape; the message gives its position.
        """
        for position, image in enumerate(images):
            _check_image(image, position)
        found: list[Inspection] = []
        for first in range(0, len(images), at_once):
            fitted = [self.fit(image) for image in images[first : first + at_once]]
            found += self.inspect_fitted(fitted)
        return found

    def fit(self, image: RGB) -> FittedImage:
        """Bring one RGB image, uint8 (H, W, 3), to the size that the graph takes.

        Raises:
            ValueError: The image is of another type or shape.
        """
        _check_image(image)
        started = time.perf_counter()
        framed = self.framing(image)
        quality = measure_quality(framed.square)
        gate, readings = self.bundle.policy.gate, {}
        if gate is not None:
            readings = readings_of(framed.square, quality, gate.usual_image(), framed.aligned)
        fit_ms = (time.perf_counter() - started) * 1e3
        confidence = None if framed.aligned is None else framed.aligned.confidence
        return FittedImage(framed.square, framed.geometry, quality, fit_ms, confidence, readings)

    def inspect_fitted(self, fitted: Sequence[FittedImage]) -> list[Inspection]:
        """Inspect images that `fit` prepared, in one run of the graph."""
        if not fitted:
            return []
        started = time.perf_counter()
        outputs = self.graph.run(np.stack([image.square for image in fitted]))
        graph_ms = (time.perf_counter() - started) * 1e3 / len(fitted)
        return [
            self._inspection(image, outputs, position, graph_ms)
            for position, image in enumerate(fitted)
        ]

    def _inspection(
        self, image: FittedImage, outputs: Outputs, position: int, graph_ms: float
    ) -> Inspection:
        started = time.perf_counter()
        manifest = self.bundle.manifest
        logits = outputs["logits"][position]
        z, outlier = float(logits[0]), float(outputs["outlier"][position])
        by_part = outputs["outlier_parts"][position].tolist()
        readings = {**image.readings, "strangeness": strangeness(by_part)}
        verdict = self.bundle.policy.decide(z, outlier, readings)
        return Inspection(
            z=z,
            verdict=verdict.name,
            reason=verdict.reason,
            defect_type=self._defect_type(verdict.name, logits),
            outlier=outlier,
            outlier_parts=dict(zip(manifest.parts, by_part, strict=True)),
            contributions=self._by_group(outputs["contributions"][position, 0]),
            bias=float(outputs["bias"][0]),
            evidence=outputs["evidence"][position, 0].copy(),
            attention=outputs["attention"][position].copy(),
            geometry=image.geometry,
            fitted=image.square,
            quality=image.quality,
            latency_ms=image.fit_ms + graph_ms + (time.perf_counter() - started) * 1e3,
            alignment=image.alignment,
        )

    def _defect_type(self, verdict: VerdictName, logits: npt.NDArray[np.float32]) -> str | None:
        types = self.bundle.manifest.defect_types
        if verdict == "pass" or not types:
            return None
        return types[int(np.argmax(logits[1:]))] if len(types) > 1 else types[0]

    def _by_group(self, contributions_j: npt.NDArray[np.float32]) -> dict[str, float]:
        manifest = self.bundle.manifest
        sums = dict.fromkeys(manifest.contribution_groups, 0.0)
        for feature, amount in zip(manifest.features, contributions_j.tolist(), strict=True):
            sums[feature.part] += amount
        return sums


def _check_image(image: RGB, position: int | None = None) -> None:
    which = "the image" if position is None else f"image {position}"
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{which} is {type(image).__name__}, expected a uint8 array (H, W, 3).")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            f"{which} is {image.dtype} {image.shape}, expected RGB uint8 (H, W, 3); "
            "read files with Inspector.read."
        )
