"""How many JPEG images a second `inspect check` looks at, and whether memory grows with them.

    python benchmarks/check_speed.py [--counts 5000,20000] [--side 512] [--scratch DIR]
        [--out FILE.json] [--write PAGE.md]

The images are drawn parts, each with a texture, light and place of its own, so that every file
differs and none is a copy; they are written first and lie in the system's memory, not on a cold
disk. Each count is checked in a process of its own, from the start of the command to its end.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from deploy.bench.machine import load
from span_train.data.drawn_parts import draw_part

Found = dict[str, Any]
_PROMISED = 200.0
_LOOK_EVERY_S = 0.02
_HEAD = (
    "images",
    "images/s",
    "s",
    "processor ms an image",
    "peak MiB",
    "of it private",
    "pairs compared",
)


def main() -> int:
    """Draw, measure, print, write."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        found = measure(asked, Path(folder))
    text = page(found)
    print(text)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def measure(asked: argparse.Namespace, folder: Path) -> Found:
    """Every count over the first of one set of files."""
    files = draw_images(folder / "all", max(asked.counts), asked.side)
    found: Found = {"where": where_it_ran(), "load": load(), "side_px": asked.side, "runs": []}
    found["kb_an_image"] = sum(file.stat().st_size for file in files) / len(files) / 1e3
    for count in asked.counts:
        images = folder / str(count)
        images.mkdir()
        for file in files[:count]:
            os.link(file, images / file.name)
        found["runs"].append({"images": count, **_check(images)})
        print(found["runs"][-1], file=sys.stderr, flush=True)
    return found


def draw_images(folder: Path, count: int, side_px: int) -> list[Path]:
    """So many JPEG files, each of another part."""
    folder.mkdir()
    with ProcessPoolExecutor() as workers:
        return list(workers.map(partial(_draw, folder, side_px), range(count), chunksize=64))


def _draw(folder: Path, side_px: int, seed: int) -> Path:
    random = np.random.default_rng(seed)
    how = cv2.INTER_LINEAR
    large = cv2.resize(draw_part(random), (side_px, side_px), interpolation=how).astype(np.int16)
    grain = random.integers(-7, 8, large.shape, np.int8)
    file = folder / f"{seed:06d}.jpg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
    cv2.imwrite(str(file), np.clip(large + grain, 0, 255).astype(np.uint8), quality)
    return file


def _check(images: Path) -> Found:
    line = images.with_suffix(".yaml")
    line.write_text(f"name: drawn\nimages: ['{images}']\n", encoding="utf-8")
    told = images.with_suffix(".json")
    code = "from inspect_app.cli.main import main; main()"
    started = time.monotonic()
    command = [sys.executable, "-c", code, "check", str(line), "--json"]
    with told.open("wb") as out:
        child = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        status, used, private_mib = _wait_for(child)
    wall_s = time.monotonic() - started
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"inspect check ended with {os.waitstatus_to_exitcode(status)}")
    found = json.loads(told.read_text("utf-8"))
    return {
        "wall_s": wall_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "private_mib": private_mib,
        "pairs_compared": found["compared"],
        "near_pairs": len(found["near"]),
    }


def _wait_for(child: int) -> tuple[int, Any, float]:
    """Exit status and resources of a process, and the most memory that no file stands behind."""
    most_kib = 0
    while True:
        status_text = Path(f"/proc/{child}/status").read_text("ascii", errors="replace")
        if (at := status_text.find("RssAnon:")) >= 0:
            most_kib = max(most_kib, int(status_text[at:].split()[1]))
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            return status, used, most_kib / 1024
        time.sleep(_LOOK_EVERY_S)


def page(found: Found) -> str:
    """The results as Markdown."""
    rate = found["runs"][-1]["images"] / found["runs"][-1]["wall_s"]
    kept = "is kept" if rate >= _PROMISED else "is not kept"
    more, private = (_growth_kib(found["runs"], key) for key in ("peak_mib", "private_mib"))
    return "\n".join(
        [
            "# Checking: how fast, in how much memory",
            "",
            "    python benchmarks/check_speed.py --out docs/results/check_speed.json "
            "--write docs/results/check_speed.md",
            "",
            f"JPEG images of {found['side_px']} px ({found['kb_an_image']:.0f} KB each), every one "
            "a part drawn anew; the whole command, with duplicates, pose, products and light. "
            f"Load of the machine at the start: {found['load']}.",
            "",
            *(f"- {line}" for line in in_words(found["where"])),
            "",
            table(_HEAD, [_row(run) for run in found["runs"]]),
            f"The promise of {_PROMISED:.0f} images/s on two cores {kept} ({rate:.0f}). From the "
            f"first row to the last, memory grew by {more:.1f} KiB an image, {private:.1f} of it "
            "private; the rest are pages of files, which the system drops when it needs them.",
            "",
        ]
    )


def _row(run: Found) -> list[str]:
    return [
        f"{run['images']:,}",
        f"{run['images'] / run['wall_s']:.0f}",
        f"{run['wall_s']:.0f}",
        f"{1000 * run['cpu_s'] / run['images']:.1f}",
        f"{run['peak_mib']:.0f}",
        f"{run['private_mib']:.0f}",
        str(run["pairs_compared"]),
    ]


def _growth_kib(runs: Sequence[Found], key: str) -> float:
    """KiB an image, from the first run to the last."""
    first, last = runs[0], runs[-1]
    return float((last[key] - first[key]) * 1024 / max(1, last["images"] - first["images"]))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=_numbers, default=[5000, 20000])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
