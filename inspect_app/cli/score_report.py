"""What a scoring run came to, as a table or as JSON, and which gates it missed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from deploy.scoring.run import ScoreSummary


def report(summary: ScoreSummary, bundle: str, missed: tuple[str, ...], as_json: bool) -> None:
    """Print a run's counts, rate and files."""
    if as_json:
        typer.echo(json.dumps(_as_json(summary, bundle, missed), indent=1))
        return
    for name, count in summary.counts.items():
        typer.echo(f"{name:<12}{count:>8}  {count / summary.images:>6.1%}")
    typer.echo(f"{'images':<12}{summary.images:>8}")
    _tell_parts(summary)
    typer.echo(
        f"{summary.scored_now} scored in {summary.wall_s:.1f} s on {summary.provider} "
        f"({summary.images_per_s:.1f} images/s) with {bundle}"
    )
    for output in (*summary.outputs, *([summary.parts.file] if summary.parts else [])):
        typer.echo(str(output))
    if summary.unreadable is not None:
        sys.stderr.write(f"note: some files were unreadable; {summary.unreadable} says why.\n")


def _tell_parts(summary: ScoreSummary) -> None:
    if summary.parts is None:
        return
    parts = sum(summary.parts.counts.values())
    told = ", ".join(f"{count} {name}" for name, count in summary.parts.counts.items())
    typer.echo(f"{'parts':<12}{parts:>8}  by their worst image: {told}")
    if summary.parts.nameless:
        sys.stderr.write(
            f"note: the names of {summary.parts.nameless} images say nothing of a part; they are "
            f"in the results, and not in {summary.parts.file}.\n"
        )


def _as_json(summary: ScoreSummary, bundle: str, missed: tuple[str, ...]) -> dict[str, object]:
    return {
        "bundle": bundle,
        "images": summary.images,
        "counts": summary.counts,
        "scored_now": summary.scored_now,
        "wall_s": round(summary.wall_s, 3),
        "images_per_s": round(summary.images_per_s, 2),
        "provider": summary.provider,
        "outputs": [str(output) for output in summary.outputs],
        "unreadable": None if summary.unreadable is None else str(summary.unreadable),
        "parts": summary.parts
        and {
            "file": str(summary.parts.file),
            "counts": summary.parts.counts,
            "nameless_images": summary.parts.nameless,
        },
        "gates_missed": list(missed),
    }
