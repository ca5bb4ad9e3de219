"""How many labels that were swapped on purpose `inspect check --run` finds, and how many others.

    python benchmarks/swapped_labels.py LINE.yaml --run RUN [--share 0.05] [--draws 10]
        [--out FILE.json]

The line's labelled images are looked at once; then a share of the labels is swapped at random, the
same in number in each draw, and the labels that look wrong are counted. Labels that look wrong
without any swap are the line's own hard cases (or its own mistakes), and are counted apart.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from markdown_table import table
from where_it_ran import where_it_ran

from span_train.check.label_errors import likely_errors
from span_train.contract.settings import read_settings
from span_train.data.labels import LabelledImage
from span_train.data.splits import gather_images
from span_train.finetune.image_features import head_features

Found = dict[str, Any]


def main() -> int:
    """Look, swap, count, print."""
    asked = _arguments()
    settings = read_settings(asked.line)
    images = gather_images(settings)
    labelled = [*images.train, *images.calibration, *images.test]
    features = head_features(settings, asked.run)([image.path for image in labelled])
    found = measure(labelled, features, asked.share, asked.draws)
    print(page(found))
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(labelled: list[LabelledImage], features: np.ndarray, share: float, draws: int) -> Found:
    """Counts without a swap, and of each draw."""
    classes = sorted({image.label for image in labelled})
    alone = likely_errors(labelled, features) or ()
    hard = {one.path for one in alone}
    found: Found = {"where": where_it_ran(), "images": len(labelled), "alone": len(alone)}
    found["draws"] = []
    for draw in range(draws):
        random = np.random.default_rng(draw)
        count = round(share * len(labelled))
        chosen = set(random.choice(len(labelled), count, replace=False).tolist())
        wrong = [
            _swapped(image, classes, random) if place in chosen else image
            for place, image in enumerate(labelled)
        ]
        named = {one.path for one in likely_errors(wrong, features, seed=draw) or ()}
        swapped = {labelled[place].path for place in chosen}
        found["draws"].append(
            {
                "swapped": count,
                "found": len(named & swapped),
                "hard_cases": len((named - swapped) & hard),
                "others": len(named - swapped - hard),
            }
        )
    return found


def _swapped(
    image: LabelledImage, classes: list[str], random: np.random.Generator
) -> LabelledImage:
    others = [name for name in classes if name != image.label]
    return LabelledImage(image.path, str(random.choice(others)), image.group, image.split)


def page(found: Found) -> str:
    """A table of the draws, and their sums."""
    names = ("swapped", "found", "hard_cases", "others")
    rows = [[str(n), *(str(one[name]) for name in names)] for n, one in enumerate(found["draws"])]
    total = {name: sum(one[name] for one in found["draws"]) for name in names}
    head = ["draw", "labels swapped", "of them found", "suspected without a swap, too", "others"]
    recall = total["found"] / total["swapped"]
    named = total["found"] + total["hard_cases"] + total["others"]
    return (
        table(head, rows)
        + f"\n{found['images']} labelled images; {found['alone']} labels look wrong as they are. "
        f"{recall:.0%} of the swapped labels are found; of all that is named "
        f"{total['found'] / max(1, named):.0%} was swapped."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("line", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
