"""Score images with a trained line's network, and hold the evidence to its word: it sums to z.

Letters: M images, J features.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from span_train.models.inspection_model import InspectionModel, InspectionOutputs
from span_train.policy.gate import strangeness

SUM_TOLERANCE = 1e-4
_BATCH = 64


@dataclass(frozen=True)
class ScoredImages:
    """What the network said of M images.

    Attributes:
        z, outlier: (M,).
        contributions_mj: (M, J) what each feature adds to z.
        strangeness_m: (M,) of the part most like what was learnt; see `policy.gate`.
        sum_gaps: Largest distance over the images between z and the sum of bias and
            `contributions`, and of bias and `evidence`.
    """

    z: npt.NDArray[np.float64]
    outlier: npt.NDArray[np.float64]
    contributions_mj: npt.NDArray[np.float64]
    strangeness_m: npt.NDArray[np.float64]
    sum_gaps: dict[str, float]

    def sums_as_json(self) -> dict[str, object]:
        """What `metrics.json` says of the sums."""
        return {
            "images": len(self.z),
            "largest_gap": self.sum_gaps,
            "tolerance": SUM_TOLERANCE,
            "holds": max(self.sum_gaps.values()) <= SUM_TOLERANCE,
        }


def score_images(model: InspectionModel, squares: npt.NDArray[np.uint8]) -> ScoredImages:
    """Run (M, S, S, 3) images through torch."""
    said = _batches(model, squares)
    z = np.concatenate([_numpy(one.logits[:, 0]) for one in said])
    contributions_mj = np.concatenate([_numpy(one.contributions[:, 0]) for one in said])
    evidence_m = np.concatenate([_numpy(one.evidence[:, 0]).sum((1, 2)) for one in said])
    bias = float(said[0].bias[0])
    gaps = {
        "contributions": float(np.abs(bias + contributions_mj.sum(1) - z).max()),
        "evidence": float(np.abs(bias + evidence_m - z).max()),
    }
    outlier = np.concatenate([_numpy(one.outlier) for one in said])
    parts_mk = np.concatenate([_numpy(one.outlier_parts) for one in said])
    strangeness_m = np.array([strangeness(row) for row in parts_mk.tolist()])
    return ScoredImages(z, outlier, contributions_mj, strangeness_m, gaps)


def z_of(model: InspectionModel, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """z alone of (M, S, S, 3) images."""
    return np.concatenate([_numpy(one.logits[:, 0]) for one in _batches(model, squares)])


def _batches(model: InspectionModel, squares: npt.NDArray[np.uint8]) -> list[InspectionOutputs]:
    with torch.inference_mode():
        return [
            model(torch.from_numpy(squares[start : start + _BATCH].copy()))
            for start in range(0, len(squares), _BATCH)
        ]


def _numpy(tensor: torch.Tensor) -> npt.NDArray[np.float64]:
    return np.asarray(tensor.double().numpy(), np.float64)
