"""What alignment is worth on nuts that turn: heads' AP and AUROC, with it and without.

    python benchmarks/aligned_heads.py --out DIR [--data METAL_NUT] [--steps 150] [--seeds 0,1,2]
        [--write PAGE.md]

Three parts are told by their brightness in every nut: the hole, the ring around it (as far as the
largest circle within the outline) and the arms outside of that. They are drawn on one exemplar for
learning, and on every test image as the truth. Each finished job leaves one JSON file in DIR; jobs
that left one are not run again.
"""

import argparse
import json
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from alignment import most_typical
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from span_train.contract.image import RGB, load_image
from span_train.contract.settings import LineSettings, settings_from_dict

DATA = Path(__file__).parents[2] / "shared" / "data" / "metal_nut"
WAYS = ("off", "ecc")
PARTS = ("arms", "hole", "ring")
_BACKGROUND = 34  # grey levels of a blurred nut; the conveyor has 18 to 28
Found = dict[str, Any]
Mask = npt.NDArray[np.uint8]


def main() -> int:
    """Run what has not run yet, then write the page."""
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    exemplar = draw_exemplar(asked.data, asked.out)
    for seed in asked.seeds:
        for how in WAYS:
            file = asked.out / f"{how}-{seed}.json"
            if not file.exists():
                found = run_job(asked, exemplar, how, seed)
                file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = page(asked.out, asked.steps)
    print(text)
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def nut_parts(image: RGB) -> dict[str, Mask]:
    """Masks (H, W), 255 inside, of the three parts of one nut."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 2)
    bright = np.asarray(np.asarray(grey) > _BACKGROUND, np.uint8)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = np.zeros_like(bright)
    cv2.drawContours(outline, [max(contours, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    dark = np.asarray((outline > 0) & (bright == 0), np.uint8)
    _, labels, sizes, centres = cv2.connectedComponentsWithStats(dark)
    largest = 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA]))
    hole = np.asarray((labels == largest) * 255, np.uint8)
    centre = (round(float(centres[largest][0])), round(float(centres[largest][1])))
    to_edge = np.asarray(cv2.distanceTransform(outline, cv2.DIST_L2, 5))
    disc = np.zeros_like(outline)
    cv2.circle(disc, centre, int(to_edge[centre[1], centre[0]]), 255, cv2.FILLED)
    return {
        "arms": np.asarray(outline & ~disc, np.uint8),
        "hole": hole,
        "ring": np.asarray(outline & disc & ~hole, np.uint8),
    }


def draw_exemplar(data: Path, out: Path) -> Path:
    """Draw the parts on the most typical good nut; masks lie in `out/masks`."""
    good = sorted((data / "good").iterdir())
    exemplar = good[most_typical([load_image(path) for path in good])]
    _save_parts(load_image(exemplar), out / "masks", "{part}.png")
    return exemplar


def run_job(asked: argparse.Namespace, exemplar: Path, how: str, seed: int) -> Found:
    """Pretrain, train, evaluate, and read the heads on the test images."""
    from span_train.data.splits import gather_images
    from span_train.evaluate.run_parts import evaluate_parts
    from span_train.finetune.evaluation import evaluate
    from span_train.finetune.run import train
    from span_train.pretrain.run import pretrain

    place = asked.out / f"{how}-{seed}"
    shutil.rmtree(place, ignore_errors=True)  # of a job that was stopped
    settings = line_of(asked, exemplar, how, seed)
    pretrain(settings, place / "pretrain")
    tested = [image.path for image in gather_images(settings).test]
    _lay_out(tested, place / "tested")
    parts = evaluate_parts(
        place / "pretrain", place / "tested" / "images", place / "tested" / "masks",
        place / "parts.json",
    )  # fmt: skip
    train(settings, place / "pretrain", place / "train")
    metrics = evaluate(settings, place / "train", place / "evaluation").metrics
    return {
        "where": where_it_ran(),
        "steps": asked.steps,
        "tested": len(tested),
        "ap": {part: parts["parts"][part]["ap"] for part in PARTS},
        "template_ap": {part: parts["parts"][part]["template_ap"] for part in PARTS},
        **{name: metrics[name]["value"] for name in ("auroc", "outlier_auroc")},
    }


def line_of(asked: argparse.Namespace, exemplar: Path, how: str, seed: int) -> LineSettings:
    """The line, aligned or not; all else is equal."""
    raw = {
        "name": "nut",
        "images": [str(asked.data)],
        "labels": str(asked.data),
        "layout": {
            "source": "exemplar",
            "exemplar": str(exemplar),
            "masks": str(asked.out.resolve() / "masks"),
        },
        "input": {"align": how},
        "pretrain": {"steps": asked.steps, "seed": seed},
    }
    return settings_from_dict(raw, Path.cwd(), "aligned_heads")


def _lay_out(paths: Sequence[Path], folder: Path) -> None:
    """Test images and their true parts, named by class, for equal names come in several."""
    (folder / "images").mkdir(parents=True)
    for path in paths:
        name = f"{path.parent.name}_{path.stem}"
        shutil.copyfile(path, folder / "images" / f"{name}{path.suffix}")
        _save_parts(load_image(path), folder / "masks", f"{{part}}/{name}.png")


def _save_parts(image: RGB, folder: Path, name: str) -> None:
    for part, mask in nut_parts(image).items():
        file = folder / name.format(part=part)
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), mask)


def page(out: Path, steps: int) -> str:
    """All finished jobs as Markdown: means over seeds, with the range."""
    jobs = {how: [json.loads(one.read_text()) for one in sorted(out.glob(f"{how}-*.json"))]
            for how in WAYS}  # fmt: skip
    rows = [_row(how, found) for how, found in jobs.items() if found]
    head = ["align", "seeds", *(f"AP {part}" for part in PARTS), "mAP", "mAP of the template",
            "AUROC of z", "AUROC of the outlier score"]  # fmt: skip
    any_job = next(iter(jobs["ecc"] or jobs["off"]))
    lines = [
        f"{any_job['tested']} test images, {steps} steps; means over seeds (lowest to highest).",
        "",
        table(head, rows),
        "Where it ran:",
        "",
        *(f"    {line}" for line in in_words(any_job["where"])),
        "",
    ]
    return "\n".join(lines)


def _row(how: str, found: Sequence[Found]) -> list[str]:
    return [
        f"`{how}`",
        str(len(found)),
        *(_spread([one["ap"][part] for one in found]) for part in PARTS),
        _spread([statistics.fmean(one["ap"].values()) for one in found]),
        _spread([statistics.fmean(one["template_ap"].values()) for one in found]),
        _spread([one["auroc"] for one in found]),
        _spread([one["outlier_auroc"] for one in found]),
    ]


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=_seeds, default=[0, 1, 2])
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
