"""`inspect score`: score folders of images into tables, each image exactly once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from deploy.runtime.inspector import Inspector
    from deploy.scoring.local import ScoreSummary, Sink

_DONE_WITH_UNREADABLE = 5


def score(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Folders of images, or image files.")
    ],
    bundle: Annotated[Path, typer.Option(help="The bundle that inspects.")],
    out: Annotated[
        list[Path],
        typer.Option(help="Results file: .parquet, .csv or .jsonl; may be given several times."),
    ],
    store: Annotated[
        str | None,
        typer.Option(envvar="INSPECT_STORE_URL", help="Also put inspections here: sqlite:///FILE."),
    ] = None,
    provider: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="Where to run; cuda is an error where it is not there."),
    ] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Images in one run of the graph.")] = 16,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads that read images; 0: one a processor, at most 16.")
    ] = 0,
    overlays: Annotated[
        Literal["none", "fail", "all"],
        typer.Option(help="Draw the evidence over these images, as PNG."),
    ] = "none",
    overlays_dir: Annotated[
        Path | None, typer.Option(help="Where overlays go; needed with --overlays.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace results files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score every image below some folders: one row an image, in order, unreadable ones too.

    Writes the results files when all is done, and until then a folder OUT.partial. Killed at any
    moment and started again with the same arguments, it goes on where it was. The model runs where
    the table says; nothing leaves this machine.

    Exit codes: 0 done, 2 usage, 3 no image, a wrong bundle, or a place that cannot be written,
    5 done with unreadable rows.

    Example: inspect score photos --bundle bundle --out results.parquet --out results.csv
    """
    from deploy.runtime.inspector import Inspector
    from deploy.scoring.local import ScoreOptions, score_folder

    if (overlays == "none") != (overlays_dir is None):
        raise typer.BadParameter("give --overlays fail|all and --overlays-dir together.")
    _keep_decoders_quiet()
    with ExitStack() as stack:
        inspector = Inspector.open(bundle, provider)
        sinks, sink_name = _open_store(stack, store, inspector)
        if overlays != "none" and overlays_dir is not None:
            sinks.append(_overlay_sink(overlays_dir, folders, overlays, inspector))
        inspector.warm_up(batch_size)
        summary = score_folder(
            folders,
            inspector,
            out,
            sinks=sinks,
            sink_name=sink_name,
            options=ScoreOptions(batch_size=batch_size, threads=threads, overwrite=overwrite),
            progress=stack.enter_context(_progress_bar()),
        )
    _report(summary, inspector.bundle.label, as_json)
    if summary.counts["unreadable"]:
        raise typer.Exit(_DONE_WITH_UNREADABLE)


def _keep_decoders_quiet() -> None:
    """Odd files get a row that says what is wrong; warnings about them would say it twice."""
    import warnings

    warnings.filterwarnings("ignore", module=r"PIL\.")


def _open_store(
    stack: ExitStack, url: str | None, inspector: Inspector
) -> tuple[list[Sink], str | None]:
    if url is None:
        return [], None
    from inspect_app.store.writer import open_store

    writer = stack.enter_context(open_store(url))
    writer.register_bundle(inspector.bundle)
    return [writer.add], str(writer.file.resolve())


def _overlay_sink(
    folder: Path, inputs: list[Path], which: Literal["fail", "all"], inspector: Inspector
) -> Sink:
    from deploy.scoring.overlay import OverlayWriter
    from span_train.contract.errors import InputError

    place = folder.resolve()
    for source in inputs:
        if place.is_relative_to(source.resolve()):
            raise InputError(
                f"{folder}: lies inside {source}, so overlays would be scored with the next run; "
                "choose another --overlays-dir."
            )
    return OverlayWriter(folder, which, inspector.bundle.manifest.evidence_scale)


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("scoring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _report(summary: ScoreSummary, bundle: str, as_json: bool) -> None:
    if as_json:
        import json

        shown = {
            "bundle": bundle,
            "images": summary.images,
            "counts": summary.counts,
            "scored_now": summary.scored_now,
            "wall_s": round(summary.wall_s, 3),
            "images_per_s": round(summary.images_per_s, 2),
            "provider": summary.provider,
            "outputs": [str(output) for output in summary.outputs],
        }
        typer.echo(json.dumps(shown, indent=1))
        return
    for name, count in summary.counts.items():
        typer.echo(f"{name:<12}{count:>8}  {count / summary.images:>6.1%}")
    typer.echo(f"{'images':<12}{summary.images:>8}")
    typer.echo(
        f"{summary.scored_now} scored in {summary.wall_s:.1f} s on {summary.provider} "
        f"({summary.images_per_s:.1f} images/s) with {bundle}"
    )
    for output in summary.outputs:
        typer.echo(str(output))
    if summary.counts["unreadable"]:
        sys.stderr.write("note: some files were unreadable; their rows say why.\n")
