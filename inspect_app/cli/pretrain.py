"""`inspect pretrain`: learn from unlabelled images, with attention heads held to the parts."""

from pathlib import Path
from typing import Annotated

import typer


def pretrain(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    out: Annotated[Path, typer.Option(help="The run folder; new, or the one to resume.")],
    budget: Annotated[
        str | None,
        typer.Option(help="Time to spend, like 90s, 15m or 2h; fixes the number of steps."),
    ] = None,
    baseline: Annotated[
        bool, typer.Option(help="Without SPAN: the same run with a prior weight of 0.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint, exactly.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, order and views.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like input.side_px=96."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Pretrain the line's Vision Transformer on its unlabelled images.

    Writes the run folder OUT: settings, layout, backbone.safetensors, a checkpoint, metrics as
    JSON lines and TensorBoard events, health.json. Calibration and test images are left out.
    Several GPUs or machines train together under torchrun or accelerate launch, for example
    `torchrun --nproc-per-node 4 -m inspect_app.cli.main pretrain line.yaml --out runs/pretrain`;
    pretrain.batch_size is that of all of them.

    Exit codes: 0 done, 2 usage, 3 images, layout, settings or a run folder that do not fit.

    Example: inspect pretrain line.yaml --out runs/pretrain --budget 15m
    """
    import json

    from inspect_app.cli.durations import seconds
    from inspect_app.cli.progress import training_progress
    from span_train.check.typical import with_typical_reference
    from span_train.contract.settings import read_settings
    from span_train.pretrain.processes import StoppedByAnother, is_first_process
    from span_train.pretrain.run import pretrain as run_pretrain

    chosen = list(overrides or ())
    if baseline:
        chosen.append("pretrain.prior_weight=0.0")
    if seed is not None:
        chosen.append(f"pretrain.seed={seed}")
    settings = with_typical_reference(read_settings(line, tuple(chosen)), out if resume else None)
    budget_s = None if budget is None else seconds(budget)
    is_first = is_first_process()
    try:
        with training_progress(hidden=not is_first) as progress:
            health = run_pretrain(
                settings,
                out,
                resume=resume,
                budget_s=budget_s,
                on_report=progress.show,
                on_remark=progress.say,
            )
    except StoppedByAnother as problem:  # the first process says why
        raise typer.Exit(problem.exit_code) from None
    if not is_first:
        return
    if as_json:
        typer.echo(json.dumps(health, indent=1))
        return
    typer.echo(f"{out}: {health['steps']} steps at {health['images_per_s']:.0f} images/s")
    for part, share in health["adherence"].items():
        typer.echo(f"  {part:<20} {share:.0%} of its head's attention inside the part")
