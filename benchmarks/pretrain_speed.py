"""How fast pretraining is, beside the same without SPAN and beside DINO from lightly's parts.

    python benchmarks/pretrain_speed.py [--images DIR] [--write PAGE.md]
    python benchmarks/pretrain_speed.py --model vit_small_patch16_224 --side 224 --batch 256

Every contestant lives in a process of its own and is run a few steps at a time, in turn; out of
turn it is stopped, its loader too, so that nobody works ahead. One round warms up; of the others
the median counts. Peak memory is the process's, with what its loader's processes hold beside it; on
a GPU also the card's. Without --images, drawn parts are used.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pretrain_speed_page import page
from speed_turns import LIGHTLY, OURS, Entry, measure
from where_it_ran import in_words, where_it_ran

from span_train.contract.errors import InputError, InspectionError
from span_train.data.catalog import find_images


def entries_of(objectives: Sequence[str], workers: Sequence[int]) -> list[Entry]:
    """All contestants, in the order in which they take turns."""
    entries = []
    for objective in objectives:
        changes = {"pretrain.objective": objective}
        entries.append(Entry(f"ours, {objective} with SPAN", OURS, changes))
        alone = {**changes, "pretrain.prior_weight": 0.0}
        entries.append(Entry(f"ours, {objective}, lambda 0", OURS, alone))
    for count in workers:
        entries.append(Entry(f"lightly's DINO, {count} workers", LIGHTLY, workers=count))
    return entries


def _line(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The line's settings; drawn parts where no images are given.

    Raises:
        InputError: There are fewer images than a batch.
    """
    images = asked.images
    if images is None:
        from span_train.data.demo_data import draw_line

        draw_line(folder, seed=0, unlabelled=4 * asked.batch, train=1, calibration=1, test=1)
        images = folder / "images"
    if len(find_images([images])) < asked.batch:
        raise InputError(f"{images}: fewer images than a batch of {asked.batch}; lower --batch.")
    return {
        "name": "speed",
        "images": [str(images.resolve())],
        "layout": {"source": "statistics", "parts": 3},
        "input": {"side_px": asked.side},
        "model": {"name": asked.model},
        "pretrain": {
            "batch_size": asked.batch,
            "steps": 1_000_000,
            "device": asked.device,
            "precision": asked.precision,
        },
    }


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=Path, help="a folder of images; default: drawn parts")
    parser.add_argument("--model", default="small", help="or a timm name")
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objectives", nargs="+", default=["dino", "masked"])
    workers = sorted({0, os.cpu_count() or 1})
    parser.add_argument(
        "--workers", type=int, nargs="*", default=workers, help="of lightly's loader"
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    precisions = ["auto", "float32", "bfloat16"]
    parser.add_argument("--precision", default="auto", choices=precisions, help="of all")
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    asked = parser.parse_args(arguments)
    if min(asked.steps, asked.rounds, asked.batch) < 1:
        parser.error("--steps, --rounds and --batch want numbers above 0")
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    asked = _arguments(arguments)
    load = f"{os.getloadavg()[0]:.1f}"
    try:
        lightly = version("lightly")
    except PackageNotFoundError:
        lightly, asked.workers = "is not installed", []
    entries = entries_of(asked.objectives, asked.workers)
    try:
        with tempfile.TemporaryDirectory() as folder:
            raw = _line(asked, Path(folder))
            images = len(list(Path(raw["images"][0]).iterdir()))
            measure(entries, raw, asked.rounds, asked.steps)
    except InspectionError as problem:
        _say(f"pretrain_speed: {problem}")
        return problem.exit_code
    names = ("model", "side", "batch", "rounds", "steps", "precision")
    facts = {name: getattr(asked, name) for name in names} | {
        "images": images,
        "lightly": lightly,
        "device": entries[0].facts["device"],
        "load": load,
        "where": in_words(where_it_ran()),
        "command": _command(asked),
    }
    text = page(entries, facts)
    print(text)
    if asked.write is not None:
        asked.write.parent.mkdir(parents=True, exist_ok=True)
        asked.write.write_text(text, encoding="utf-8")
    return 0


def _command(asked: argparse.Namespace) -> str:
    words = ["python benchmarks/pretrain_speed.py"]
    words += ["--images DIR"] if asked.images is not None else []
    for name in ("model", "side", "batch", "steps", "rounds", "device", "precision"):
        words.append(f"--{name} {getattr(asked, name)}")
    words.append(f"--objectives {' '.join(asked.objectives)}")
    words.append(f"--workers {' '.join(map(str, asked.workers))}")
    return " ".join(words)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
