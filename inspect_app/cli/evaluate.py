"""`inspect evaluate`: measure a trained run on the line's test split."""

from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    run: Annotated[Path, typer.Option(help="The run that `inspect train` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json and report.html.")],
    label_budget: Annotated[
        str | None,
        typer.Option(
            metavar="N,N…", help="Also fit the head on so many labels a class: 5,10,20,80."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of labels for each of these.")] = 5,
    deletion: Annotated[
        bool, typer.Option("--deletion", help="Also check that evidence lies where it matters.")
    ] = False,
    defect_rate: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Of the line: also check z as a probability, like 0.02."
        ),
    ] = None,
    allow_leak: Annotated[
        bool, typer.Option(help="Go on where the run has used test images.")
    ] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like name=line-2."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json.")] = False,
) -> None:
    """Score the test split and say how often the line is right, with intervals.

    Writes metrics.json and report.html, one self-contained page with examples and their evidence.
    With --label-budget also how good the score would be with fewer labels, drawn from the training
    split; the network looks at each image once. With --deletion also how far z falls when the
    patches with the most evidence are replaced by those of the mean good image, beside random
    patches and those of plain attention rollout. With --defect-rate also whether z, turned into a
    probability on the calibration parts, holds on the test parts of a line with so many defects.

    Test images that the run has used, or of the same part as one it has used, are refused by name;
    with --allow-leak they are listed instead.

    Exit codes: 0 done, 2 usage, 3 no test images, or a run that does not fit.

    Example: inspect evaluate line.yaml --run runs/train --out evaluation
    """
    import json

    from inspect_app.cli.progress import note
    from span_train.check.typical import with_typical_reference
    from span_train.contract.settings import read_settings
    from span_train.evaluate.report_words import (
        deletion_in_words,
        reliability_in_words,
        summary_in_words,
    )
    from span_train.finetune.evaluation import evaluate as run_evaluate
    from span_train.finetune.label_budget import Budgets

    if defect_rate is not None and not 0 < defect_rate < 1:
        raise typer.BadParameter(f"--defect-rate {defect_rate}: expected a share like 0.02")
    budgets = None if label_budget is None else Budgets(_counts(label_budget), seeds)
    settings = with_typical_reference(read_settings(line, tuple(overrides or ())), run)
    evaluation = run_evaluate(
        settings,
        run,
        out,
        budgets,
        deletion=deletion,
        defect_rate=defect_rate,
        allow_leak=allow_leak,
    )
    note(*evaluation.report.remarks)
    if as_json:
        typer.echo(json.dumps(evaluation.metrics, indent=1))
        return
    for sentence in summary_in_words(evaluation.metrics):
        typer.echo(sentence)
    if defect_rate is not None:
        typer.echo(reliability_in_words(evaluation.metrics["reliability"]))
    if deletion:
        typer.echo(deletion_in_words(evaluation.metrics["deletion"]))
    if budgets is not None:
        typer.echo(_budget_table(evaluation.metrics["label_budget"]))
    typer.echo(f"{out / 'report.html'} shows examples and the evidence for them")


def _counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(word) for word in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise typer.BadParameter(f"--label-budget {text}: expected numbers above 0, like 5,20,80")
    return counts


def _budget_table(curve: dict[str, Any]) -> str:
    lines = ["labels a class   AUROC                    average precision"]
    for labels, point in curve["budgets"].items():
        cells = []
        for name in ("auroc", "average_precision"):
            low, high = point[name]["interval"]
            cells.append(f"{point[name]['value']:.3f} [{low:.3f}, {high:.3f}]")
        lines.append(f"{labels:>14}   {cells[0]:<22}   {cells[1]}")
    if curve["left_out"]:
        most, left_out = curve["labels_a_class"], ", ".join(map(str, curve["left_out"]))
        lines.append(f"left out: {left_out}; the training split has {most} labels of each class")
    return "\n".join(lines)
