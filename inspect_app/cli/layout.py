"""`inspect layout`: make a line's layout and show it, draw it, or write it for other programs."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class LayoutFrom(StrEnum):
    """Where the parts come from."""

    exemplar = "exemplar"
    statistics = "statistics"
    intensity = "intensity"


class ExportTo(StrEnum):
    """Other drawing programs."""

    labelme = "labelme"
    coco = "coco"


def layout(
    line: Annotated[Path, typer.Argument(metavar="LINE.yaml", help="The line's settings.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the layout; made if missing. Not with --edit.")
    ] = None,
    source: Annotated[
        LayoutFrom | None,
        typer.Option(
            "--from", help="Drawn on exemplars, image statistics, or brightness; default: LINE's."
        ),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Open a page on which the parts are drawn.")
    ] = False,
    exemplar: Annotated[
        Path | None,
        typer.Option(help="With --edit: the image to draw on; default: LINE's, or a typical one."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="With --edit: port on this machine.")
    ] = 8502,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="With --edit: do not open a web browser.")
    ] = False,
    export: Annotated[
        ExportTo | None, typer.Option(help="Also write the drawn parts as LabelMe or COCO JSON.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, like layout.parts=5."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make the line's layout and draw it, to see whether every part lies where it should.

    Writes layout.json, layout.png (the masks) and layout_picture.png: the parts over the exemplar,
    or over the mean of the images, and over a few images, with names and areas in patches. With
    --export also the drawn parts, so that layout.masks can read them back.

    With --edit it serves a page on this machine only (127.0.0.1), until Ctrl-C. Saving there writes
    layouts/v1, v2, … beside LINE.yaml and points `layout` in it to the newest; nothing is
    overwritten, and all else in the file stays as it is.

    Exit codes: 0 done, 2 usage, 3 masks, images or settings that do not fit, or the port is taken.

    Example: inspect layout line.yaml --from statistics --set layout.parts=3 --out layout
    """
    chosen = [*(overrides or ()), *([] if source is None else [f"layout.source={source}"])]
    if edit:
        if out is not None or export is not None or as_json:
            raise typer.BadParameter(
                "--edit saves beside LINE.yaml; leave out what goes elsewhere."
            )
        _edit(line, chosen, exemplar, port, not no_browser)
        return
    if out is None:
        raise typer.BadParameter("give --out FOLDER, or --edit to draw.")
    if exemplar is not None:
        raise typer.BadParameter("--exemplar belongs to --edit; or --set layout.exemplar=IMAGE.")
    _show(line, chosen, out, export, as_json)


def _show(
    line: Path, overrides: list[str], out: Path, export: ExportTo | None, as_json: bool
) -> None:
    from inspect_app.cli.show_layout import export_layout, show_layout
    from span_train.check.typical import with_typical_reference
    from span_train.contract.settings import read_settings

    settings = with_typical_reference(read_settings(line, tuple(overrides)))
    shown = show_layout(settings, out)
    for remark in shown.remarks:
        sys.stderr.write(f"note: {remark}\n")
    if export is not None:
        sys.stderr.write(
            f"note: the drawn parts are in {export_layout(settings, export.value, out)}\n"
        )
    typer.echo(shown.as_json() if as_json else shown.as_text())


def _edit(
    line: Path, overrides: list[str], exemplar: Path | None, port: int, open_browser: bool
) -> None:
    from inspect_app.layout_drawing.desk import open_desk
    from inspect_app.layout_editor.serve import serve_editor

    open_desk(line, overrides, exemplar)  # says at once what does not fit

    def ready(address: str) -> None:
        typer.echo(f"Layout editor: {address}  (Ctrl-C stops it)")
        if open_browser:
            import webbrowser

            webbrowser.open(address)

    serve_editor(line, overrides, exemplar, port, ready)
