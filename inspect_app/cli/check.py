"""`inspect check`: what a line's images and labels can and cannot support, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from span_train.contract.settings import LineSettings
    from span_train.finetune.image_features import FeaturesOf


def check(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    html: Annotated[
        Path | None, typer.Option(help="Write a page with pictures here; an earlier one goes.")
    ] = None,
    backbone: Annotated[
        Path | None,
        typer.Option(help="A run of `inspect pretrain`: finds look-alikes under other light, too."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="A run of `inspect train`: finds labels that look wrong.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like input.fit=crop."),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads that read images; 0: one a processor, at most 16.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option(help="End with code 4 if something must be mended before training.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Tell what will and what will not work, before any training.

    Looks for files that cannot be read, mixed sizes and products, equal images and copies of one
    scene (moved, turned, mirrored), also over splits and labels, parts that do not lie in one
    pose, odd light and blur, labels that contradict each other, classes too small for the goals,
    and drawn parts that cannot be used. Once there is a network, --backbone and --run find more:
    look-alikes under other light, and likely label errors. Changes nothing.

    Exit codes: 0 done, whatever was found, 2 usage, 3 settings, images or labels that do not fit,
    4 with --strict: something must be mended, 5 done, but some files cannot be read.

    Example: inspect check line.yaml --html check.html
    """
    from inspect_app.cli.check_text import as_json_text, as_text
    from inspect_app.cli.progress import image_progress
    from span_train.check.line_check import check_line
    from span_train.check.typical import with_typical_reference
    from span_train.contract.errors import GateMissed
    from span_train.contract.settings import read_settings

    settings = with_typical_reference(read_settings(line, tuple(overrides or ())), backbone or run)
    with image_progress() as progress:
        seen, judged = _networks(settings, backbone, run)
        checked = check_line(settings, progress, threads, seen=seen, judged=judged)
    if html is not None:
        from span_train.check.page import write_page

        write_page(html, checked, settings.input)
    typer.echo(as_json_text(checked) if as_json else as_text(checked, html))
    problems = [one.about for one in checked.findings if one.level == "problem"]
    if strict and problems:
        raise GateMissed(
            f"{line}: {len(problems)} findings must be mended ({', '.join(dict.fromkeys(problems))}"
            "); what to do stands above."
        )
    if checked.looks.unreadable:
        raise typer.Exit(5)


def _networks(
    settings: LineSettings, backbone: Path | None, run: Path | None
) -> tuple[FeaturesOf | None, FeaturesOf | None]:
    """What the runs that were named see in images; torch starts for them alone."""
    if backbone is None and run is None:
        return None, None
    from span_train.finetune.image_features import backbone_features, head_features

    return (
        backbone_features(settings, backbone) if backbone else None,
        head_features(settings, run) if run else None,
    )
