"""Check on test parts how far z, made a probability on calibration parts, can be believed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.data.cache import image_cache
from span_train.data.labels import LabelledImage
from span_train.evaluate.metrics import scored_parts
from span_train.evaluate.reliability import reliability
from span_train.finetune.run import TrainedLine
from span_train.finetune.scored import z_of
from span_train.policy.claims import PartScores
from span_train.policy.probability import fit_probability


def check_probability(
    trained: TrainedLine,
    calibration: Sequence[LabelledImage],
    tested: Sequence[LabelledImage],
    z: npt.NDArray[np.float64],
    defect_rate: float,
    cache: Path,
) -> dict[str, Any] | None:
    """Reliability at a declared defect rate; None where calibration or test lack a class.

    Args:
        calibration: What the probability is fitted on.
        tested: What it is held against.
        z: Of the test images.
        defect_rate: Declared share of defective parts on the line.
        cache: Folder of the image cache.
    """
    if not calibration:
        return None
    settings = trained.settings
    squares = image_cache([image.path for image in calibration], settings.input, cache)
    z_of_c, defective_c = _by_part(z_of(trained.model, squares), calibration, settings.good_class)
    probability = fit_probability(
        PartScores(z_of_c[~defective_c], z_of_c[defective_c]), defect_rate
    )
    if probability is None:
        return None
    z_p, defective_p = _by_part(z, tested, settings.good_class)
    probability_p = np.array([probability.of(float(one)) for one in z_p])
    confidence = settings.goals.confidence
    return reliability(probability_p, defective_p, defect_rate, confidence=confidence)


def _by_part(
    z: npt.NDArray[np.float64], images: Sequence[LabelledImage], good_class: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """z of the worst image, and the truth, of each physical part with a finite score."""
    defective = [image.label != good_class for image in images]
    unjudged = ["recheck"] * len(images)
    parts = scored_parts(z, defective, unjudged, None, [image.group for image in images])
    finite_p = np.isfinite(parts.z_p)
    return parts.z_p[finite_p], parts.defective_p[finite_p]
