"""Verdicts on many images as the line will give them, gate included; and the gate of a new line.

Letters: M images, S side in pixels.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from span_train.contract.align import Aligned
from span_train.contract.image_quality import measure_quality
from span_train.contract.image_readings import readings_of
from span_train.contract.settings import InputSettings
from span_train.data.alignments import alignments_of
from span_train.finetune.scored import ScoredImages, score_images
from span_train.models.inspection_model import InspectionModel
from span_train.policy.gate import Gate
from span_train.policy.learn_gate import learn_gate
from span_train.policy.policy import Policy, Verdict

MOST_IMAGES = 1000
Squares = npt.NDArray[np.uint8]


def gated_verdicts(
    policy: Policy,
    scored: ScoredImages,
    squares: Squares,
    aligned_m: Sequence[Aligned] | None = None,
) -> tuple[Verdict, ...]:
    """What the policy says to (M, S, S, 3) images, by their scores and by what they are like.

    Args:
        aligned_m: How well each was aligned; None where nothing is.
    """
    gate = policy.gate
    usual = None if gate is None else gate.usual_image()
    found: list[Verdict] = []
    for place, square in enumerate(squares):
        readings = None
        if usual is not None:
            aligned = None if aligned_m is None else aligned_m[place]
            readings = readings_of(square, measure_quality(square), usual, aligned)
            readings["strangeness"] = float(scored.strangeness_m[place])
        found.append(policy.decide(float(scored.z[place]), float(scored.outlier[place]), readings))
    return tuple(found)


def gate_of(
    model: InspectionModel,
    squares: Squares,
    paths: Sequence[Path],
    settings: InputSettings,
    cache: Path,
) -> Gate | None:
    """The gate learnt from (M, S, S, 3) images; from some of them, where they are many.

    Args:
        paths: Where the images lie, in the same order.
        settings: How they were fitted.
        cache: Where it is kept how well they were aligned.
    """
    every = -(-len(squares) // MOST_IMAGES)
    some, aligned = squares[::every], alignments_of(paths[::every], settings, cache)
    return learn_gate(some, score_images(model, some).strangeness_m.tolist(), aligned)
