"""Fill a folder with as many images as a benchmark wants: links to the real ones, in turns."""

import itertools
import os
from pathlib import Path

from deploy.scoring.listing import list_images


def link_images(source: Path, target: Path, count: int) -> list[Path]:
    """Make `target` hold `count` images, each a link to one of `source`; give them in order."""
    target.mkdir(parents=True, exist_ok=True)
    there = [Path(place) for place in list_images(source)]
    made = []
    for number, original in zip(range(count), itertools.cycle(there), strict=False):
        made.append(target / f"{number:06d}{original.suffix.lower()}")
        if not made[-1].exists():
            _link(original, made[-1])
    return made


def _link(original: Path, target: Path) -> None:
    try:
        os.link(original, target)
    except OSError:  # another disk
        target.symlink_to(original.resolve())
