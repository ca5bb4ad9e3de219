"""`inspect bench`: how fast a bundle is on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_app.cli.options import ThreadsOption

if TYPE_CHECKING:
    from deploy.runtime.session import ProviderChoice

_LARGEST_BATCH = 4096


def bench(
    bundle: Annotated[Path, typer.Option(help="The bundle to measure.")],
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of images like the line's; else the bundle's own examples."),
    ] = None,
    provider: Annotated[
        str, typer.Option(help="Where to run: auto, cpu or cuda; several with commas.")
    ] = "auto",
    batch: Annotated[
        str, typer.Option(help="Images in one run of the graph, several sizes with commas.")
    ] = "1,8,32",
    threads: ThreadsOption = 0,
    rounds: Annotated[int, typer.Option(min=1, help="How often each gets its turn.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.0, help="Length of a turn.")] = 0.5,
    out: Annotated[Path | None, typer.Option(help="Also write the result here, as JSON.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, not as a table.")
    ] = False,
) -> None:
    """Measure latency and throughput of a bundle: decoding and the graph apart, then together.

    Everything is warmed up, then measured in turns over several rounds: percentiles of all calls,
    and the median of the rounds' rates beside the slowest and the fastest. Cold start and peak
    memory come from fresh processes. Files are decoded from memory: the disk is not measured.

    Exit codes: 0 done, 2 usage, 3 a wrong bundle, no readable image, or cuda that is not there.

    Example: inspect bench --bundle bundle --images photos --batch 1,8,32 --out bench.json
    """
    import json
    from dataclasses import asdict

    from deploy.bench.run import BenchPlan, run_bench
    from deploy.bench.table import as_lines
    from deploy.scoring.whole_files import check_writable

    plan = BenchPlan(_providers(provider), _sizes(batch), threads, rounds, seconds)
    if out is not None:
        check_writable(out.parent)
    with _progress_bar() as progress:
        report = run_bench(bundle, images, plan, progress)
    text = json.dumps(asdict(report), indent=1)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    typer.echo(text if as_json else "\n".join(as_lines(report)))


def _providers(text: str) -> tuple[ProviderChoice, ...]:
    known: dict[str, ProviderChoice] = {"auto": "auto", "cpu": "cpu", "cuda": "cuda"}
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= set(known):
        raise typer.BadParameter(f"--provider {text}: expected {', '.join(known)}, with commas.")
    return tuple(known[name] for name in names)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(dict.fromkeys(int(size) for size in text.split(",")))
    except ValueError:
        sizes = ()
    if not sizes or not all(1 <= size <= _LARGEST_BATCH for size in sizes):
        raise typer.BadParameter(
            f"--batch {text}: expected sizes from 1 to {_LARGEST_BATCH} with commas, as 1,8,32."
        )
    return sizes


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
