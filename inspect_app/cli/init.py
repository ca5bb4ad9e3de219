"""`inspect init`: describe a new line in one commented file."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def init(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The file to write.")],
    images: Annotated[
        list[Path], typer.Option(help="Folder of unlabelled images; may be given several times.")
    ],
    exemplar: Annotated[
        list[Path] | None,
        typer.Option(help="A good image on which the parts are drawn; may be given several times."),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Folder of <part>.png or <part>/<exemplar's name>.png; or a label-map PNG; or "
            "LabelMe or COCO JSON."
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON of a label map's indices, like {1: body, 2: lead}."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV or JSON lines with image_path,label[,group][,split], or one folder a class."
        ),
    ] = None,
    good_class: Annotated[str, typer.Option(help="The class of good parts.")] = "good",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Describe a new line: look at its images, masks and labels, and write LINE.yaml.

    Writes that one file, with comments, and never overwrites one. Paths in it start at its folder.
    Without an exemplar, parts will be found from image statistics, and a typical image to draw on
    is proposed; with several, their masks are averaged. Without --labels, a folder that is sorted
    by class, as MVTec sorts (train/good, test/DEFECT), or holds labels.csv or labels.jsonl, is
    recognised.

    Exit codes: 0 done, 2 usage, 3 no images, or images, masks or labels that do not fit.

    Example: inspect init line.yaml --images photos --exemplar good.png --masks masks
    """
    from inspect_app.cli.new_line import Drawing, describe_line, write_line

    if (not exemplar) != (masks is None):
        raise typer.BadParameter("give --exemplar and --masks together.")
    if names is not None and masks is None:
        raise typer.BadParameter("--names belongs to --masks, where it is a label map.")
    drawing = Drawing(tuple(exemplar), masks, names) if exemplar and masks else None
    found = describe_line(line, images, drawing, labels, good_class)
    write_line(line, found.text)
    for remark in found.remarks:
        sys.stderr.write(f"note: {remark}\n")
    typer.echo(found.as_json(line) if as_json else found.as_text(line))
