"""Verdicts on many images as the line will give them, gate included; and the gate of a new line.

Letters: M images, S side in pixels.
"""

import numpy as np
import numpy.typing as npt

from span_train.contract.image_quality import measure_quality
from span_train.finetune.scored import ScoredImages, score_images
from span_train.models.inspection_model import InspectionModel
from span_train.policy.gate import Gate, readings_of
from span_train.policy.learn_gate import learn_gate
from span_train.policy.policy import Policy, Verdict

MOST_IMAGES = 1000
Squares = npt.NDArray[np.uint8]


def gated_verdicts(policy: Policy, scored: ScoredImages, squares: Squares) -> tuple[Verdict, ...]:
    """What the policy says to (M, S, S, 3) images, by their scores and by what they are like."""
    gate, verdicts = policy.gate, []
    usual = None if gate is None else gate.usual_picture()
    each = zip(squares, scored.z, scored.outlier, scored.strangeness_m, strict=True)
    for square, z, outlier, strange in each:
        readings = None
        if usual is not None:
            readings = {
                **readings_of(square, measure_quality(square), usual),
                "strangeness": float(strange),
            }
        verdicts.append(policy.decide(float(z), float(outlier), readings))
    return tuple(verdicts)


def gate_of(model: InspectionModel, squares: Squares) -> Gate | None:
    """The gate learnt from (M, S, S, 3) images; from some of them, where they are many."""
    some = squares[:: -(-len(squares) // MOST_IMAGES)]
    return learn_gate(some, score_images(model, some).strangeness_m.tolist())
