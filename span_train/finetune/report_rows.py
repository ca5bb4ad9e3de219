"""Choose the test images that a report shows, and draw each with its evidence and attention.

Letters: M images, R groups of features (parts and others).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.framing import framing_of
from span_train.contract.image import load_image
from span_train.data.labels import LabelledImage
from span_train.evaluate.overlay import (
    FREE_COLOUR,
    attention_overlay,
    part_colour,
    signed_evidence_overlay,
)
from span_train.evaluate.report import MOST_EXAMPLES, MOST_MISTAKES, ExampleRow
from span_train.finetune.run import TrainedLine
from span_train.policy.policy import Verdict


class ReportRows:
    """Draws the rows of chosen test images."""

    def __init__(
        self,
        trained: TrainedLine,
        images: Sequence[LabelledImage],
        z: npt.NDArray[np.float64],
        verdicts: Sequence[Verdict],
        names: tuple[str, ...],
        contributions_mr: npt.NDArray[np.float64],
        defective: npt.NDArray[np.bool_],
    ) -> None:
        self.trained, self.images, self.z, self.verdicts = trained, images, z, verdicts
        self.names, self.contributions_mr, self.defective = names, contributions_mr, defective
        self.full: float | None = None

    def of(self, chosen: Sequence[int]) -> tuple[ExampleRow, ...]:
        """The rows of these images; the first call's evidence sets the colour scale of all."""
        looked = [self._look(index) for index in chosen]
        if self.full is None and looked:
            every = np.concatenate([np.abs(evidence).ravel() for _, _, evidence, _ in looked])
            self.full = max(float(np.quantile(every, 0.995)), 1e-6)
        return tuple(self._row(index, *each) for index, each in zip(chosen, looked, strict=True))

    def _look(self, index: int) -> tuple[Any, Any, Any, Any]:
        how = self.trained.settings.input
        picture = load_image(self.images[index].path, window=how.window, max_pixels=how.max_pixels)
        framed = framing_of(how)(picture)
        with torch.inference_mode():
            said = self.trained.model(torch.from_numpy(framed.square)[None])
        return picture, framed.geometry, said.evidence[0, 0].numpy(), said.attention[0].numpy()

    def _row(
        self, index: int, picture: Any, geometry: Any, evidence: Any, attention: Any
    ) -> ExampleRow:
        assert self.full is not None, "set by the first rows"
        parts = len(self.trained.layout.names)
        heads = tuple(
            (
                name,
                attention_overlay(
                    picture, attention[h], geometry, part_colour(h) if h < parts else FREE_COLOUR
                ),
            )
            for h, name in enumerate(self.trained.model.head_names)
        )
        contributions = dict(zip(self.names, map(float, self.contributions_mr[index]), strict=True))
        return ExampleRow(
            title=self.images[index].path.name,
            image=picture,
            evidence=signed_evidence_overlay(picture, evidence, geometry, self.full),
            heads=heads,
            verdict=self.verdicts[index].name,
            reason=self.verdicts[index].reason,
            z=float(self.z[index]),
            truth=self.images[index].label,
            defective=bool(self.defective[index]),
            contributions=contributions,
            bias=float(self.z[index] - self.contributions_mr[index].sum()),
        )


def typical_images(z: npt.NDArray[np.float64], verdict_names: Sequence[str]) -> list[int]:
    """Images of each verdict, spread evenly over its scores, worst verdict first."""
    chosen: list[int] = []
    for verdict in ("fail", "recheck", "pass"):
        of_verdict = [i for i in np.argsort(-z, kind="stable") if verdict_names[i] == verdict]
        count = min(MOST_EXAMPLES // 3, len(of_verdict))
        places = np.linspace(0, len(of_verdict) - 1, count).round().astype(int)
        chosen += [int(of_verdict[place]) for place in places]
    return chosen


def worst_images(key: npt.NDArray[np.float64], which: npt.NDArray[np.bool_]) -> list[int]:
    """The chosen images of least key, a few."""
    order = np.argsort(key, kind="stable")
    return [int(i) for i in order if which[i]][:MOST_MISTAKES]
