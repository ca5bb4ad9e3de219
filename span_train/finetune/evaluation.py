"""Measure a trained line on its test split, and gather what the report shows.

Letters: M images, H heads, G patches a side, J features, R groups of features (parts and others).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.errors import LabelError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.data.labels import LabelledImage
from span_train.data.line_layout import layout_background
from span_train.data.splits import gather_images
from span_train.evaluate.by_class import scores_of_parts, verdicts_by_class
from span_train.evaluate.metrics import line_metrics, scored_parts
from span_train.evaluate.overlay import (
    FREE_COLOUR,
    attention_overlay,
    layout_overlay,
    part_colour,
    signed_evidence_overlay,
)
from span_train.evaluate.report import (
    MOST_EXAMPLES,
    MOST_MISTAKES,
    ExampleRow,
    ReportContent,
    write_report,
)
from span_train.finetune.label_budget import Budgets, label_budget_curve, see_features
from span_train.finetune.run import TrainedLine, load_trained
from span_train.models.inspection_model import InspectionModel
from span_train.policy.policy import Verdict
from span_train.storage.run_folder import write_json

_BATCH = 64


@dataclass(frozen=True)
class Evaluation:
    """What the test split showed.

    Attributes:
        trained: The line that was measured.
        images: The test images, in order.
        z, outlier: (M,) through torch.
        verdicts: M verdicts of the policy.
        group_names: R names: the parts, then `whole` and `free`.
        contributions_mr: (M, R) how much each group adds to z.
        metrics: What `metrics.json` holds.
        report: What the page shows.
    """

    trained: TrainedLine
    images: tuple[LabelledImage, ...]
    z: npt.NDArray[np.float64]
    outlier: npt.NDArray[np.float64]
    verdicts: tuple[Verdict, ...]
    group_names: tuple[str, ...]
    contributions_mr: npt.NDArray[np.float64]
    metrics: dict[str, Any]
    report: ReportContent


def evaluate(
    settings: LineSettings, run: Path, out: Path, budgets: Budgets | None = None
) -> Evaluation:
    """Score the test split, write `metrics.json` and `report.html` into `out`.

    Args:
        budgets: Also fit the head on fewer labels, and put that curve into both.

    Raises:
        LabelError: The line has no test image.
        RunError: The run is not finished.
    """
    trained = load_trained(run)
    images = gather_images(settings)
    if not images.test:
        raise LabelError(
            f"{settings.labels or settings.name}: no labelled test image; label some, or give the "
            "labels a split column with `test`."
        )
    out.mkdir(parents=True, exist_ok=True)
    squares = image_cache([image.path for image in images.test], settings.input, run / "cache")
    z, outlier, contributions_mj = _score(trained.model, squares)
    verdicts = tuple(trained.policy.decide(*each) for each in zip(z, outlier, strict=True))
    names, contributions_mr = _by_group(trained.model, contributions_mj)
    metrics = line_metrics(
        z,
        _defective(images.test, settings),
        [verdict.name for verdict in verdicts],
        outlier,
        [image.group for image in images.test],
        confidence=settings.goals.confidence,
    )
    metrics |= _by_class_and_part(trained, images.test, verdicts, names, contributions_mr)
    if budgets is not None:
        seen = see_features(trained, images, run / "cache")
        metrics["label_budget"] = label_budget_curve(seen, budgets, trained.settings)
    write_json(out / "metrics.json", metrics)
    report = _report(
        trained, images.test, z, outlier, verdicts, names, contributions_mr, metrics, images.remarks
    )
    write_report(out / "report.html", report)
    return Evaluation(
        trained, images.test, z, outlier, verdicts, names, contributions_mr, metrics, report
    )


def _by_class_and_part(
    trained: TrainedLine,
    images: Sequence[LabelledImage],
    verdicts: Sequence[Verdict],
    names: tuple[str, ...],
    contributions_mr: npt.NDArray[np.float64],
) -> dict[str, Any]:
    settings, groups = trained.settings, [image.group for image in images]
    classes, said = [image.label for image in images], [verdict.name for verdict in verdicts]
    defective = _defective(images, settings)
    return {
        "by_class": verdicts_by_class(classes, said, groups, settings.good_class),
        "by_part": scores_of_parts(
            contributions_mr, names, defective, groups, settings.goals.confidence
        ),
    }


def _score(
    model: InspectionModel, squares: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    z, outlier, contributions = [], [], []
    with torch.inference_mode():
        for start in range(0, len(squares), _BATCH):
            said = model(torch.from_numpy(squares[start : start + _BATCH].copy()))
            z.append(said.logits[:, 0])
            outlier.append(said.outlier)
            contributions.append(said.contributions[:, 0])
    return tuple(torch.cat(each).double().numpy() for each in (z, outlier, contributions))  # type: ignore[return-value]


def _by_group(
    model: InspectionModel, contributions_mj: npt.NDArray[np.float64]
) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    groups = (*model.part_names, "elsewhere", "free")
    belongs_jr = np.array([[f.part == group for group in groups] for f in model.features], float)
    return groups, contributions_mj @ belongs_jr


def _defective(images: Sequence[LabelledImage], settings: LineSettings) -> npt.NDArray[np.bool_]:
    return np.array([image.label != settings.good_class for image in images], bool)


def _report(
    trained: TrainedLine,
    images: Sequence[LabelledImage],
    z: npt.NDArray[np.float64],
    outlier: npt.NDArray[np.float64],
    verdicts: Sequence[Verdict],
    names: tuple[str, ...],
    contributions_mr: npt.NDArray[np.float64],
    metrics: dict[str, Any],
    remarks: tuple[str, ...],
) -> ReportContent:
    settings, policy, summary = trained.settings, trained.policy, trained.summary
    defective = _defective(images, settings)
    verdict_names = [verdict.name for verdict in verdicts]
    groups = [image.group for image in images]
    parts = scored_parts(z, defective, verdict_names, outlier, groups)
    picture = layout_background(settings, trained.layout)
    fitted = trained.layout.fitted(settings.input.side_px, settings.input.fit)
    rows = _Rows(trained, images, z, verdicts, names, contributions_mr, defective)
    return ReportContent(
        line=settings.name,
        metrics=metrics,
        claims=policy.claims,
        t_pass=policy.t_pass,
        t_fail=policy.t_fail,
        outlier_limit=policy.outlier_limit,
        z_good=parts.z_p[~parts.defective_p],
        z_defect=parts.z_p[parts.defective_p],
        counts=summary["counts"],
        layout_picture=layout_overlay(picture, trained.layout.masks_khw),
        layout_parts=trained.layout.names,
        part_area=dict(zip(trained.layout.names, map(float, fitted.mean((1, 2))), strict=True)),
        part_contributions=_means(names, contributions_mr, defective),
        examples=rows.of(_typical(z, verdict_names)),
        escapes=rows.of(_worst(z, defective & (np.array(verdict_names) == "pass"))),
        overkills=rows.of(_worst(-z, ~defective & (np.array(verdict_names) == "fail"))),
        facts={
            "run commit": str(summary.get("git_commit")),
            "images digest": summary["images"][:16],
            "layout digest": summary["layout"][:16],
            "shrinkage chosen": str(summary["fit"]["strength"]),
        },
        versions=summary["versions"],
        remarks=tuple(dict.fromkeys([*remarks, *summary["remarks"]])),
    )


class _Rows:
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
        square, geometry = fit(picture, how.side_px, how.fit)
        with torch.inference_mode():
            said = self.trained.model(torch.from_numpy(square)[None])
        return picture, geometry, said.evidence[0, 0].numpy(), said.attention[0].numpy()

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


def _means(
    names: tuple[str, ...],
    contributions_mr: npt.NDArray[np.float64],
    defective: npt.NDArray[np.bool_],
) -> dict[str, tuple[float, float]]:
    if defective.all() or not defective.any():
        return {}
    good, bad = contributions_mr[~defective].mean(0), contributions_mr[defective].mean(0)
    return {name: (float(g), float(b)) for name, g, b in zip(names, good, bad, strict=True)}


def _typical(z: npt.NDArray[np.float64], verdict_names: Sequence[str]) -> list[int]:
    """Images of each verdict, spread evenly over its scores, worst verdict first."""
    chosen: list[int] = []
    for verdict in ("fail", "recheck", "pass"):
        of_verdict = [i for i in np.argsort(-z, kind="stable") if verdict_names[i] == verdict]
        count = min(MOST_EXAMPLES // 3, len(of_verdict))
        places = np.linspace(0, len(of_verdict) - 1, count).round().astype(int)
        chosen += [int(of_verdict[place]) for place in places]
    return chosen


def _worst(key: npt.NDArray[np.float64], which: npt.NDArray[np.bool_]) -> list[int]:
    order = np.argsort(key, kind="stable")
    return [int(i) for i in order if which[i]][:MOST_MISTAKES]
