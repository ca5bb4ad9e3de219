"""`inspect calibrate`: new thresholds for a bundle from new labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_app.cli.options import ProviderOption

if TYPE_CHECKING:
    from deploy.calibration.run import Calibration
    from span_train.policy.policy import Goal
    from span_train.policy.recalibrate import Wish

_GOAL, _COST = ("escape", "overkill"), ("escape", "overkill", "recheck")


def calibrate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle: folder or zip.")],
    images: Annotated[Path, typer.Option(help="Folder of images that it has not learnt from.")],
    labels: Annotated[
        Path,
        typer.Option(
            help="CSV with image_path,label[,group] (paths start at --images), or one folder a "
            "class."
        ),
    ],
    by: Annotated[str, typer.Option(help="Who does this; kept in the policy's history.")],
    why: Annotated[str, typer.Option(help="Why; kept in the policy's history.")],
    out: Annotated[
        Path, typer.Option(help="The new bundle: a folder or .zip that does not exist yet.")
    ],
    goal: Annotated[
        str | None,
        typer.Option(
            metavar="escape=E,overkill=O[,confidence=C]",
            help="Fixed before looking; left out: the bundle's own goals.",
        ),
    ] = None,
    defect_rate: Annotated[
        float | None,
        typer.Option(help="Declared share of defective parts on the line, for probabilities."),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            metavar="escape=A,overkill=B,recheck=C",
            help="Costs of a part; they choose within the goals, on half of the parts.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the halves that --cost needs.")] = 0,
    provider: ProviderOption = "auto",
    allow_leak: Annotated[
        bool, typer.Option(help="Go on although the network learnt from some of the images.")
    ] = False,
    sign_key: Annotated[
        Path | None, typer.Option(help="Sign with this Ed25519 private key, a PEM file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Choose thresholds anew on labelled images, and write a new bundle with the same graph.

    Thresholds meet the goals with the stated confidence, counted in physical parts (column group;
    the worst image decides). What the labels cannot show goes to recheck, and is said with how many
    parts are missing. The new policy keeps who changed what, when and why. A signature is not
    copied: sign again.

    Exit codes: 0 done, 2 usage, 3 bundle, images or labels that do not fit, 4 written, but a goal
    is not shown, 5 written, but some labelled images could not be read.

    Example: inspect calibrate bundle --images new --labels new.csv --goal escape=0.01,overkill=0.02
    --by "J. Ito" --why "new lamp" --out bundle-2
    """
    import json

    from deploy.calibration.run import CalibrationRequest, calibrate_bundle
    from inspect_app.cli.progress import note

    request = CalibrationRequest(
        bundle=bundle,
        images=images,
        labels=labels,
        wish=_wish(bundle, goal, defect_rate, cost, seed),
        who=by,
        why=why,
        allow_leak=allow_leak,
        sign_key=sign_key,
        provider=provider,
    )
    done = calibrate_bundle(request, out)
    note(*done.remarks)
    typer.echo(json.dumps(done.as_json(), indent=1) if as_json else _told(done))
    if not done.goals_met:
        raise typer.Exit(4)
    if done.unreadable:
        raise typer.Exit(5)


def _wish(
    bundle: Path, goal: str | None, defect_rate: float | None, cost: str | None, seed: int
) -> "Wish":
    from span_train.policy.costs import Costs
    from span_train.policy.recalibrate import Wish

    if cost is not None and defect_rate is None:
        raise typer.BadParameter("depends on how often defects occur; add --defect-rate")
    if defect_rate is not None and not 0 < defect_rate < 1:
        raise typer.BadParameter(f"{defect_rate:g}, expected a share between 0 and 1")
    costs = None if cost is None else Costs(**_numbers("--cost", cost, _COST, ()))
    return Wish(_goals(bundle, goal), defect_rate, costs, seed)


def _goals(bundle: Path, goal: str | None) -> "Goal":
    from deploy.bundle.read import open_bundle
    from span_train.contract.errors import BundleError
    from span_train.policy.policy import Goal

    if goal is None:
        goals = open_bundle(bundle).policy.goals
        if goals is None:
            raise BundleError(f"{bundle}: its policy has no goals; state them with --goal.")
        return goals
    numbers = {"confidence": 0.95, **_numbers("--goal", goal, _GOAL, ("confidence",))}
    if not all(0 < number < 1 for number in numbers.values()):
        raise typer.BadParameter(f"--goal {goal}: expected shares between 0 and 1")
    return Goal(**numbers)


def _numbers(
    option: str, text: str, needed: tuple[str, ...], more: tuple[str, ...]
) -> dict[str, float]:
    """`a=1,b=2` as numbers."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    try:
        numbers = {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        numbers = {}
    complete = set(needed) <= set(numbers) <= {*needed, *more} and len(numbers) == len(pairs)
    if not complete or not all(0 <= number < float("inf") for number in numbers.values()):
        wanted = ",".join(f"{name}=NUMBER" for name in needed)
        raise typer.BadParameter(f"{option} {text}: expected {wanted}")
    return numbers


def _told(done: "Calibration") -> str:
    policy, before = done.bundle.policy, done.before
    change = policy.history[-1]
    lines = [claim.message for claim in policy.claims]
    for name in ("t_pass", "t_fail", "outlier_limit"):
        lines.append(
            f"{name:<14}{_limit(getattr(before, name))} -> {_limit(getattr(policy, name))}"
        )
    if policy.probability is not None:
        lines.append(f"probabilities for a defect rate of {policy.probability.defect_rate:g}")
    lines.append(f"chosen by {change.rule}")
    return "\n".join([*lines, f"{done.bundle.folder}: {done.bundle.label}; same graph, new policy"])


def _limit(threshold: float | None) -> str:
    return "none" if threshold is None else f"{threshold:.4f}"
