"""What a cell gets for its image, and what the server says about itself, as JSON."""

from dataclasses import asdict
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from deploy.runtime.inspector import Inspector
from deploy.serving.arrivals import Found
from span_train.policy.policy import VerdictName

Number = float | None  # JSON has no word for a number that is not finite: it becomes null
Map = list[list[Number]]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Thresholds(_Answer):
    """The policy's thresholds; null where there is none."""

    t_pass: Number = Field(description="z below it passes.")
    t_fail: Number = Field(description="z from it on fails.")
    outlier_limit: Number = Field(description="An outlier score above it is rechecked.")


class Quality(_Answer):
    """Of the fitted image."""

    brightness: Number = Field(description="Mean grey level, 0 to 1.")
    contrast: Number = Field(description="Standard deviation of the grey levels.")
    sharpness: Number = Field(description="Variance of the Laplacian; low means blurred.")
    clipped: Number = Field(description="Share of fully black or white pixels.")


class OriginalGeometry(_Answer):
    """How the maps lie over the image that was sent: `square = aligned * scale + offset`.

    `aligned` is a place of the image itself where nothing is aligned.
    """

    height_px: int = Field(description="Height of the image sent, upright.")
    width_px: int = Field(description="Its width.")
    side_px: int = Field(description="Side of the fitted square that the maps cover.")
    scale_x: float = Field(description="Pixels of the square a pixel of the image.")
    scale_y: float
    offset_x_px: float = Field(description="Where the image's left edge lies in the square.")
    offset_y_px: float
    aligned: tuple[float, float, float, float, float, float] | None = Field(
        description="Where the image was aligned: (a, b, c, d, e, f) takes a place (x, y) of it to "
        "(a x + b y + c, d x + e y + f) in the reference's frame."
    )


class Maps(_Answer):
    """Square maps over the fitted image, rows from the top."""

    evidence: Map = Field(description="What each patch adds to z; with `bias` it sums to z.")
    attention: dict[str, Map] = Field(description="By head: where it looks; sums to 1.")
    geometry: OriginalGeometry


class InspectionAnswer(_Answer):
    """What was found in one image."""

    verdict: VerdictName
    reason: str = Field(description="Why this verdict, in words.")
    z: Number = Field(description="The defect logit; a score, not a probability.")
    thresholds: Thresholds
    defect_type: str | None = Field(description="The likeliest; null for pass or one type.")
    outlier: Number = Field(description="How unlike the good parts seen the image is.")
    outlier_parts: dict[str, Number] = Field(description="The same within each part.")
    contributions: dict[str, Number] = Field(description="By part; with `bias` they sum to z.")
    bias: Number = Field(description="z of the average good part.")
    quality: Quality
    source: str = Field(description="As sent.")
    name: str = Field(description="As sent, or the start of the sha256.")
    sha256: str = Field(description="Of the bytes sent.")
    bundle: str = Field(description="The bundle's name.")
    bundle_id: str = Field(description="Hash of its manifest.")
    model_id: str = Field(description="Hash of its graph.")
    provider: Literal["cpu", "cuda"] = Field(description="Where the graph ran.")
    inspection_ms: float = Field(description="Fitting, its share of the graph's run, verdict.")
    latency_ms: float = Field(description="From the request's headers to this answer.")
    maps: Maps | None = Field(description="Only where asked for with maps=true.")


class Health(_Answer):
    """Whether images can be sent."""

    status: Literal["ok", "store"] = Field(description="`store`: it refused the last image.")
    bundle: str
    bundle_id: str
    model_id: str
    provider: Literal["cpu", "cuda"]
    accepted: int = Field(description="Requests that are being worked on.")
    queue: int = Field(description="The most there may be; one more gets 503.")


def answer_of(
    found: Found, inspector: Inspector, latency_ms: float, with_maps: bool
) -> InspectionAnswer:
    """Put what was found in a readable image into words that JSON has."""
    arrival, row, manifest = found.arrival, found.scored.row, inspector.bundle.manifest
    inspection = found.scored.inspection
    assert inspection is not None, "unreadable images have no answer"
    assert row.sha256 is not None, "what was sent has been hashed"
    maps = None
    if with_maps:
        heads = zip(manifest.heads, inspection.attention, strict=True)
        maps = Maps(
            evidence=_rows(inspection.evidence),
            attention={head: _rows(map_gg) for head, map_gg in heads},
            geometry=OriginalGeometry(**asdict(inspection.geometry)),
        )
    return InspectionAnswer(
        verdict=inspection.verdict,
        reason=inspection.reason,
        z=inspection.z,
        thresholds=Thresholds(
            t_pass=row.t_pass, t_fail=row.t_fail, outlier_limit=row.outlier_limit
        ),
        defect_type=inspection.defect_type,
        outlier=inspection.outlier,
        outlier_parts=dict(inspection.outlier_parts),
        contributions=dict(inspection.contributions),
        bias=inspection.bias,
        quality=Quality(**inspection.quality.as_dict()),
        source=arrival.source,
        name=arrival.name,
        sha256=row.sha256,
        bundle=manifest.name,
        bundle_id=row.bundle_id,
        model_id=row.model_id,
        provider=inspector.provider,
        inspection_ms=inspection.latency_ms,
        latency_ms=latency_ms,
        maps=maps,
    )


def _rows(map_gg: npt.NDArray[np.float32]) -> Map:
    rows: Map = map_gg.tolist()
    return rows
