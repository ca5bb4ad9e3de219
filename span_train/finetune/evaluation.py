"""Measure a trained line on its test split, and gather what the report shows.

Letters: M images, J features, R groups of features (parts and others).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LabelError
from span_train.contract.settings import LineSettings
from span_train.data.alignments import alignments_of
from span_train.data.cache import image_cache
from span_train.data.labels import LabelledImage
from span_train.data.line_layout import layout_background
from span_train.data.splits import gather_images
from span_train.evaluate.by_class import scores_of_parts, verdicts_by_class
from span_train.evaluate.metrics import line_metrics, scored_parts
from span_train.evaluate.overlay import layout_overlay
from span_train.evaluate.report import ReportContent, write_report
from span_train.finetune.evidence_check import check_deletion
from span_train.finetune.facts import refuse_seen, tuning_in_words
from span_train.finetune.gated import gated_verdicts
from span_train.finetune.label_budget import Budgets, label_budget_curve, see_features
from span_train.finetune.limits import data_limits
from span_train.finetune.probability_check import check_probability
from span_train.finetune.report_rows import ReportRows, typical_images, worst_images
from span_train.finetune.run import TrainedLine, load_trained
from span_train.finetune.scored import ScoredImages, score_images
from span_train.models.inspection_model import InspectionModel
from span_train.policy.policy import Verdict
from span_train.storage.run_folder import write_json


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
    settings: LineSettings,
    run: Path,
    out: Path,
    budgets: Budgets | None = None,
    *,
    deletion: bool = False,
    defect_rate: float | None = None,
    allow_leak: bool = False,
) -> Evaluation:
    """Score the test split, write `metrics.json` and `report.html` into `out`.

    Args:
        budgets: Also fit the head on fewer labels, and put that curve into both.
        deletion: Also check that removing the patches with the most evidence lowers z.
        defect_rate: Of the line; also turn z into a probability and hold it against the test parts.
        allow_leak: Go on, with a remark, where test images took part in training.

    Raises:
        LabelError: The line has no test image, or the run has used some of them.
        RunError: The run is not finished.
    """
    trained = load_trained(run)
    images = gather_images(settings)
    if not images.test:
        raise LabelError(
            f"{settings.labels or settings.name}: no labelled test image; label some, or give the "
            "labels a split column with `test`."
        )
    leaked = refuse_seen(images, trained.roles, allow_leak)
    out.mkdir(parents=True, exist_ok=True)
    paths = [image.path for image in images.test]
    squares = image_cache(paths, settings.input, run / "cache")
    aligned = alignments_of(paths, settings.input, run / "cache")
    scored = score_images(trained.model, squares)
    z, outlier = scored.z, scored.outlier
    verdicts = gated_verdicts(trained.policy, scored, squares, aligned)
    names, contributions_mr = _by_group(trained.model, scored.contributions_mj)
    metrics = _measured(trained, images.test, scored, verdicts, names, contributions_mr)
    if deletion:
        metrics["deletion"] = check_deletion(trained, images, run / "cache")
    if defect_rate is not None:
        metrics["reliability"] = check_probability(
            trained, images.calibration, images.test, z, defect_rate, run / "cache"
        )
    if budgets is not None:
        seen = see_features(trained, images, run / "cache")
        metrics["label_budget"] = label_budget_curve(seen, budgets, trained.settings)
    write_json(out / "metrics.json", metrics)
    learnt = {image.label for image in images.train}
    limits = data_limits(trained.policy.claims, metrics["by_class"], settings.good_class, learnt)
    remarks = (*limits, *images.remarks, *leaked)
    report = _report(
        trained, images.test, z, outlier, verdicts, names, contributions_mr, metrics, remarks
    )
    write_report(out / "report.html", report)
    return Evaluation(
        trained, images.test, z, outlier, verdicts, names, contributions_mr, metrics, report
    )


def _measured(
    trained: TrainedLine,
    images: Sequence[LabelledImage],
    scored: ScoredImages,
    verdicts: Sequence[Verdict],
    names: tuple[str, ...],
    contributions_mr: npt.NDArray[np.float64],
) -> dict[str, Any]:
    settings, groups = trained.settings, [image.group for image in images]
    classes, said = [image.label for image in images], [verdict.name for verdict in verdicts]
    defective, confidence = _defective(images, settings), settings.goals.confidence
    return {
        **line_metrics(scored.z, defective, said, scored.outlier, groups, confidence=confidence),
        "by_class": verdicts_by_class(classes, said, groups, settings.good_class),
        "by_part": scores_of_parts(contributions_mr, names, defective, groups, confidence),
        "evidence_sums": scored.sums_as_json(),
    }


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
    rows = ReportRows(trained, images, z, verdicts, names, contributions_mr, defective)
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
        examples=rows.of(typical_images(z, verdict_names)),
        escapes=rows.of(worst_images(z, defective & (np.array(verdict_names) == "pass"))),
        overkills=rows.of(worst_images(-z, ~defective & (np.array(verdict_names) == "fail"))),
        facts={
            "run commit": str(summary.get("git_commit")),
            "images digest": summary["images"][:16],
            "layout digest": summary["layout"][:16],
            "shrinkage chosen": str(summary["fit"]["strength"]),
            "network": tuning_in_words(summary.get("finetune", {})),
        },
        versions=summary["versions"],
        remarks=tuple(dict.fromkeys([*remarks, *summary["remarks"]])),
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
