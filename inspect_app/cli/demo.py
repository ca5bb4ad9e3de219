"""`inspect demo`: the whole way, from unlabelled images to a station showing verdicts."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="A new folder for everything the demo makes.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Drawn parts: a minute, nothing to download.")
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(envvar="INSPECT_STORE_URL", help="The store; default OUT/store.db."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of pretraining and training.")] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the demo's line."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print demo.json.")] = False,
) -> None:
    """Make a line, pretrain, train, evaluate, export, score and report, on real solar cells.

    Writes OUT/line, the runs, OUT/bundle, results.parquet and .csv, store.db, report.html and
    demo.json, and prints the command that opens the station with a name
    and PIN to sign in there. With --quick parts are drawn.

    Exit codes: 0 done, 2 usage, 3 a folder that is taken or a package that is missing, 4 the bundle
    disagrees with the trained network.

    Example: inspect demo --quick --out demo
    """
    import json

    from inspect_app.cli.progress import training_progress
    from inspect_app.demo.demo_operator import NAME, add_demo_operator
    from inspect_app.demo.pipeline import run_demo
    from span_train.evaluate.report_words import summary_in_words

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    with training_progress() as progress:
        result = run_demo(
            out,
            quick=quick,
            seed=seed,
            store=store,
            overrides=tuple(overrides or ()),
            say=say,
            on_report=progress.show,
        )
    pin = add_demo_operator(result.store) if result.store else None
    if as_json:
        typer.echo(json.dumps(result.as_json(), indent=1))
        return
    for sentence in summary_in_words(result.evaluation.metrics):
        typer.echo(sentence)
    for claim in result.evaluation.trained.policy.claims:
        typer.echo(claim.message)
    seconds = sum(result.timings.values())
    typer.echo(f"{seconds:.0f} s in all; {result.scored.images_per_s:.0f} images/s from the bundle")
    typer.echo(f"Report:  {out / 'report.html'}")
    typer.echo(f"Station: {result.station_command}")
    if pin is not None:
        typer.echo(f"Sign in: name {NAME}, PIN {pin}")
