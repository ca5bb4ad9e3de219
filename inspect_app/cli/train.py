"""`inspect train`: fit the defect head on few labels, or none, and choose the verdict policy."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    backbone: Annotated[Path, typer.Option(help="The run that `inspect pretrain` wrote.")],
    out: Annotated[Path, typer.Option(help="The run folder; must not exist, or be empty.")],
    allow_leak: Annotated[
        bool, typer.Option(help="Go on where held-out images took part in pretraining.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the cross-validation.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like train.top_k=3."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train the defect head on the line's labels, and choose thresholds on calibration images.

    Without labels the score is how unusual a part is; labels move it only as far as they justify.
    With train.finetune=auto the whole network is tuned on them too, and kept where labelled parts
    left out in turn are told apart better. A train that was killed is run again, into a new folder:
    the same seed gives the same line.
    Writes the run folder OUT: the model, the policy and what it promises, the splits' facts.

    Exit codes: 0 done, 2 usage, 3 labels, settings or runs that do not fit.

    Example: inspect train line.yaml --backbone runs/pretrain --out runs/train
    """
    import json

    from inspect_app.cli.progress import note
    from span_train.check.typical import with_typical_reference
    from span_train.contract.settings import read_settings
    from span_train.finetune.facts import tuning_in_words
    from span_train.finetune.run import train as run_train
    from span_train.policy.policy import load_policy

    chosen = [*(overrides or ()), *([] if seed is None else [f"train.seed={seed}"])]
    settings = with_typical_reference(read_settings(line, tuple(chosen)), backbone)
    summary = run_train(settings, backbone, out, allow_leak=allow_leak)
    note(*summary["remarks"])
    policy = load_policy(out / "policy.json")
    if as_json:
        typer.echo(json.dumps({**summary, "policy": policy.model_dump(mode="json")}, indent=1))
        return
    for split, counts in summary["counts"].items():
        typer.echo(f"{split:<12} " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    typer.echo(f"{'network':<12} {tuning_in_words(summary['finetune'])}")
    for claim in policy.claims:
        typer.echo(claim.message)
    typer.echo(f"{out}; next: inspect export --run {out} --out bundle")
