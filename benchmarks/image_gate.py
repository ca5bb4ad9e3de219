"""How often the image gate stops good images, and how often it catches spoilt and foreign ones.

    python benchmarks/image_gate.py [--data SHARED] [--elpv DEMO] [--seed 1] [--json FILE.json]
        [--write PAGE.md]

For each product a gate is learnt from some of its images (all those that a line would learn from,
defective ones too where the product has them) and asked about others. Spoilt images are those test
images, each spoilt in one way. The network's own reading is left out: it only catches more.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from alignment import most_typical
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from span_train.contract.align import RGB, Aligner
from span_train.contract.framing import Framing
from span_train.contract.image import load_image
from span_train.contract.image_quality import measure_quality
from span_train.policy.gate import Gate, readings_of
from span_train.policy.learn_gate import learn_gate

ROOT = Path(__file__).parents[2]
SIDE_PX = 112
MOST_TEST, FOREIGN = 150, 60
Found = dict[str, Any]
Spoil = Callable[[RGB], RGB]


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    products = read_products(asked)
    found: Found = {"where": where_it_ran(), "products": {}}
    for name, (learnt, good, defective, aligns) in products.items():
        foreign = [
            image
            for other, (_, images, *_) in products.items()
            if other != name
            for image in images[:FOREIGN]
        ]
        found["products"][name] = measure(learnt, good, defective, foreign, aligns)
    text = page(found)
    print(text)
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def measure(
    learnt: Sequence[RGB],
    good: Sequence[RGB],
    defective: Sequence[RGB],
    foreign: Sequence[RGB],
    aligns: bool,
) -> Found:
    """Learn a product's gate, and count what it stops."""
    aligner = Aligner(learnt[most_typical(learnt)], "ecc", "rigid") if aligns else None
    framing = Framing(SIDE_PX, "stretch", aligner)
    gate = learn_gate(np.stack([framing(image).square for image in learnt]))
    assert gate is not None, "every product has enough images"
    kinds = {"good": good, "defective": defective, "another product": foreign}
    kinds |= {name: [spoil(image) for image in good] for name, spoil in SPOILT.items()}
    counted = {name: stopped(images, framing, gate) for name, images in kinds.items() if images}
    return {"learnt_from": len(learnt), "aligned": aligns, "stopped": counted}


def stopped(images: Sequence[RGB], framing: Framing, gate: Gate) -> Found:
    """How many of some images the gate stops, and which limits stop them."""
    usual, limits, count = gate.usual_picture(), Counter[str](), 0
    for image in images:
        square = framing(image).square
        reasons = gate.reasons(readings_of(square, measure_quality(square), usual))
        count += bool(reasons)
        limits.update(reason.split(" (")[1].split()[0] for reason in reasons)
    return {"count": count, "of": len(images), "by": dict(limits.most_common())}


def read_products(
    asked: argparse.Namespace,
) -> dict[str, tuple[list[RGB], list[RGB], list[RGB], bool]]:
    """By product: images to learn from, good and defective ones to test, whether they turn."""
    random, data = np.random.default_rng(asked.seed), asked.data

    def dealt(folder: Path) -> tuple[list[Path], list[Path]]:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        paths = [paths[place] for place in random.permutation(len(paths))]
        return paths[: len(paths) * 6 // 10], paths[len(paths) * 6 // 10 :]

    nuts, other_nuts = dealt(data / "metal_nut" / "good")
    xrays, other_xrays = dealt(data / "xray_jsrt" / "images")
    castings = dealt(data / "casting" / "train" / "good")[0][:400]
    bad_castings = dealt(data / "casting" / "train" / "defect")[0][:100]
    whole, cracked = (dealt(data / "casting" / "test" / kind)[0] for kind in ("good", "defect"))
    bent = sorted((data / "metal_nut" / "bent").iterdir())
    products = {
        "nuts, aligned": (nuts, other_nuts, bent, True),
        "X-rays": (xrays, other_xrays, [], False),
        "impellers": ([*castings, *bad_castings], whole, cracked, False),
    }
    if asked.elpv is not None:
        products["solar cells"] = (*_cells(asked.elpv), False)
    return {
        name: (_read(learnt), _read(good[:MOST_TEST]), _read(bad[:MOST_TEST]), aligns)
        for name, (learnt, good, bad, aligns) in products.items()
    }


def _cells(demo: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """What the demo's line learns from, and its good and defective test cells."""
    from span_train.contract.settings import read_settings
    from span_train.data.splits import gather_images

    images = gather_images(read_settings(demo / "line" / "line.yaml"))
    test = [(image.path, image.label == "good") for image in images.test]
    good, bad = ([path for path, is_good in test if is_good is wanted] for wanted in (True, False))
    return list(images.unlabelled), good, bad


def _read(paths: Sequence[Path]) -> list[RGB]:
    return [load_image(path) for path in paths]


def _lit(gain: float) -> Spoil:
    return lambda image: np.clip(image.astype(np.float32) * gain, 0, 255).astype(np.uint8)


def _blurred(share: float) -> Spoil:
    return lambda image: np.asarray(
        cv2.GaussianBlur(image, (0, 0), share * image.shape[0]), np.uint8
    )


def _shifted(share: float) -> Spoil:
    def shift(image: RGB) -> RGB:
        height, width = image.shape[:2]
        moved = np.array([[1, 0, share * width], [0, 1, share * height / 2]])
        edge = cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(image, moved, (width, height), borderMode=edge), np.uint8)

    return shift


SPOILT: dict[str, Spoil] = {
    "blurred, 1.5 % of the side": _blurred(0.015),
    "blurred, 3 %": _blurred(0.03),
    "0.4 of the light": _lit(0.4),
    "0.2 of the light": _lit(0.2),
    "2 times the light": _lit(2.0),
    "3 times the light": _lit(3.0),
    "shifted by 10 % and 5 %": _shifted(0.1),
    "shifted by 20 % and 10 %": _shifted(0.2),
}


def page(found: Found) -> str:
    """The results as Markdown."""
    products = found["products"]
    kinds = list(dict.fromkeys(kind for one in products.values() for kind in one["stopped"]))
    rows = [
        [kind, *(_share(one["stopped"].get(kind)) for one in products.values())] for kind in kinds
    ]
    learnt = ", ".join(f"{name}: {one['learnt_from']}" for name, one in products.items())
    lines = [
        "Share of the test images that the gate stops (how many).",
        "",
        table(["images", *products], rows),
        "",
        f"Learnt from, images: {learnt}.",
        "",
        "Where it ran:",
        "",
        *in_words(found["where"]),
    ]
    return "\n".join([*lines, ""])


def _share(one: Found | None) -> str:
    return "" if one is None else f"{one['count'] / one['of']:.1%} ({one['count']} of {one['of']})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT / "shared" / "data")
    parser.add_argument("--elpv", type=Path, help="A folder that `inspect demo` wrote.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
