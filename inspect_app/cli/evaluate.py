"""`inspect evaluate`: measure a trained run on the line's test split."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    run: Annotated[Path, typer.Option(help="The run that `inspect train` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json and report.html.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like name=line-2."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json.")] = False,
) -> None:
    """Score the test split and say how often the line is right, with intervals.

    Writes metrics.json and report.html, one self-contained page with examples and their evidence.

    Exit codes: 0 done, 2 usage, 3 no test images, or a run that does not fit.

    Example: inspect evaluate line.yaml --run runs/train --out evaluation
    """
    import json

    from inspect_app.cli.progress import note
    from span_train.contract.settings import read_settings
    from span_train.evaluate.report_words import summary_in_words
    from span_train.finetune.evaluation import evaluate as run_evaluate

    evaluation = run_evaluate(read_settings(line, tuple(overrides or ())), run, out)
    note(*evaluation.report.remarks)
    if as_json:
        typer.echo(json.dumps(evaluation.metrics, indent=1))
        return
    for sentence in summary_in_words(evaluation.metrics):
        typer.echo(sentence)
    typer.echo(f"{out / 'report.html'} shows examples and the evidence for them")
