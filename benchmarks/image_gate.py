"""How often the image gate stops good images, and how often it catches spoilt and foreign ones.

    python benchmarks/image_gate.py [--data SHARED] [--elpv DEMO] [--seeds 2,3,4] [--json FILE.json]
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
from span_train.contract.framing import Framed, Framing
from span_train.contract.image import load_image
from span_train.contract.image_quality import measure_quality
from span_train.contract.image_readings import readings_of
from span_train.policy.gate import Gate
from span_train.policy.learn_gate import learn_gate

ROOT = Path(__file__).parents[2]
SIDE_PX = 112
MOST_TEST, FOREIGN = 150, 60
_CELLS = "solar cells"
Found = dict[str, Any]
Spoil = Callable[[RGB], RGB]


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    draws = [measure_draw(asked, seed) for seed in asked.seeds]
    products = {
        # cells lie in the demo's splits whatever the draw
        name: summed([draw[name] for draw in (draws[:1] if name == _CELLS else draws)])
        for name in draws[0]
    }
    found = {"where": where_it_ran(), "seeds": asked.seeds, "products": products}
    text = page(found)
    print(text)
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def measure_draw(asked: argparse.Namespace, seed: int) -> Found:
    """One deal of every product's images."""
    products, found = read_products(asked, seed), {}
    for name, (learnt, good, defective, aligns) in products.items():
        foreign = [
            image
            for other, (_, images, *_) in products.items()
            if other != name
            for image in images[:FOREIGN]
        ]
        found[name] = measure(learnt, good, defective, foreign, aligns)
    return found


def summed(draws: Sequence[Found]) -> Found:
    """A product's counts over all draws; of what was brought back, the furthest off."""
    total: Found = {"learnt_from": draws[0]["learnt_from"], "stopped": {}}
    for kind in draws[0]["stopped"]:
        every, by = [draw["stopped"][kind] for draw in draws], Counter[str]()
        for one in every:
            by.update(one["by"])
        counts = {key: sum(one[key] for one in every) for key in ("count", "of")}
        total["stopped"][kind] = {**counts, "by": dict(by.most_common())}
    if "brought_back" in draws[0]:
        total["brought_back"] = {
            kind: max(draw["brought_back"][kind] for draw in draws) for kind in SHIFTS
        }
    return total


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
    gate = _learnt_gate([framing(image) for image in learnt])
    assert gate is not None, "every product has enough images"
    kinds = {"good": good, "defective": defective, "another product": foreign}
    kinds |= {name: [spoil(image) for image in good] for name, spoil in SPOILT.items()}
    counted = {name: stopped(images, framing, gate) for name, images in kinds.items() if images}
    found: Found = {"learnt_from": len(learnt), "stopped": counted}
    if aligner is None:
        return found
    return found | {"brought_back": brought_back(good, framing, aligner, gate)}


def brought_back(
    good: Sequence[RGB], framing: Framing, aligner: Aligner, gate: Gate
) -> dict[str, float]:
    """Of shifted images that the gate lets through: how far the worst lies off, of the side."""
    furthest = {}
    for name, share in SHIFTS.items():
        off = [0.0]
        for image in good:
            moved = _shifted(share)(image)
            if not stopped([moved], framing, gate)["count"]:
                off.append(_apart(image, moved, share, aligner))
        furthest[name] = max(off)
    return furthest


def _apart(image: RGB, moved: RGB, share: float, aligner: Aligner) -> float:
    """Between where the reference's corners lie on the moved image, and where they should.

    Up to a quarter turn, which changes nothing in a nut.
    """
    width, height = aligner.size
    corners = np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    by = np.array([[share * image.shape[1]], [share * image.shape[0] / 2]])
    meant = (aligner.find(image).from_reference @ corners)[:2] + by
    found = (aligner.find(moved).from_reference @ corners)[:2]
    turns = [np.roll(found, quarter, axis=1) - meant for quarter in range(4)]
    return float(min(np.linalg.norm(off, axis=0).max() for off in turns) / image.shape[1])


def _learnt_gate(framed: Sequence[Framed]) -> Gate | None:
    aligned = [one.aligned for one in framed if one.aligned is not None]
    return learn_gate(np.stack([one.square for one in framed]), aligned_m=aligned or None)


def stopped(images: Sequence[RGB], framing: Framing, gate: Gate) -> Found:
    """How many of some images the gate stops, and which limits stop them."""
    usual, limits, count = gate.usual_image(), Counter[str](), 0
    for image in images:
        framed = framing(image)
        quality = measure_quality(framed.square)
        reasons = gate.reasons(readings_of(framed.square, quality, usual, framed.aligned))
        count += bool(reasons)
        limits.update(reason.split(" (")[1].split()[0] for reason in reasons)
    return {"count": count, "of": len(images), "by": dict(limits.most_common())}


def read_products(
    asked: argparse.Namespace, seed: int
) -> dict[str, tuple[list[RGB], list[RGB], list[RGB], bool]]:
    """By product: images to learn from, good and defective ones to test, whether they turn."""
    random, data = np.random.default_rng(seed), asked.data

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
        products[_CELLS] = (*_cells(asked.elpv), False)
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


SHIFTS = {"shifted by 10 % and 5 %": 0.1, "shifted by 20 % and 10 %": 0.2}
SPOILT: dict[str, Spoil] = {
    "blurred, 1.5 % of the side": _blurred(0.015),
    "blurred, 3 %": _blurred(0.03),
    "0.4 of the light": _lit(0.4),
    "0.2 of the light": _lit(0.2),
    "2 times the light": _lit(2.0),
    "3 times the light": _lit(3.0),
    **{name: _shifted(share) for name, share in SHIFTS.items()},
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
        *_brought_back_in_words(products),
        "",
        "Where it ran:",
        "",
        *in_words(found["where"]),
    ]
    return "\n".join([*lines, ""])


def _brought_back_in_words(products: Found) -> list[str]:
    return [
        "",
        *(
            f"{name}, {kind}: those let through lie {off:.1%} of the side off at most."
            for name, one in products.items()
            for kind, off in one.get("brought_back", {}).items()
        ),
    ]


def _share(one: Found | None) -> str:
    return "" if one is None else f"{one['count'] / one['of']:.1%} ({one['count']} of {one['of']})"


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(seed) for seed in text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT / "shared" / "data")
    parser.add_argument("--elpv", type=Path, help="A folder that `inspect demo` wrote.")
    parser.add_argument("--seeds", type=_seeds, default=(2, 3, 4), help="One deal of images each.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
