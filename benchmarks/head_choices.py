"""Measure the choices behind the defect head (docs/decisions 0002 and 0004).

    python benchmarks/head_choices.py LINE.yaml --run RUN [--grades labels.csv] [--out FILE.json]

Needs a finished `inspect pretrain` run. Only images of the line's unlabelled pool are used, never
those of calibration or test. What is true about them comes from `--grades`, one `path grade` a line
(0 good, 1 defective, others are left out; an image is found by its file name without suffix);
without it, from the package elpv-dataset.
Letters: M images, N patches, C features, D projected features, J pooled features.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from paired_auroc import auroc, auroc_gain
from torch import Tensor
from tried_statistics import STATISTICS, USED, leaving_out_images
from where_it_ran import in_words, where_it_ran

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.elpv import mono_cells, near_duplicates, read_grey
from span_train.data.splits import gather_images
from span_train.finetune.facts import refuse_leaks
from span_train.finetune.fit_head import empty_head
from span_train.finetune.looked import Looked
from span_train.finetune.shrunk_fit import fit_shrunk
from span_train.models.defect_head import DefectHead
from span_train.models.place_deviation import PlaceDeviation
from span_train.pretrained import PretrainedLine, load_pretrained
from span_train.storage.run_folder import write_json

Array = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]
FOLDS, DRAWS, LABELS = 4, 6, (5, 20, 40)
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_TO_LEARN = 0.6
_BATCH = 64


@dataclass(frozen=True)
class Pool:
    """The unlabelled images as the pretrained network sees them.

    Attributes:
        patches_mnc, attention_mhn: What the defect head takes.
        defective_m: What is true about them.
        known_m: Whether that is clear.
        group_m: Images that look alike share a number; they stay together.
    """

    patches_mnc: Tensor
    attention_mhn: Tensor
    defective_m: Truth
    known_m: Truth
    group_m: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """What turns place statistics into pooled features."""

    settings: LineSettings
    pretrained: PretrainedLine

    def head(self, deviation: PlaceDeviation) -> DefectHead:
        """The real defect head with these place statistics and no weights."""
        backbone = self.pretrained.backbone
        return empty_head(self.settings, self.pretrained.layout, backbone, deviation, 1)

    def features(self, head: DefectHead, pool: Pool) -> Array:
        """(M, J) features, the first being the outlier score as in training."""
        batches = zip(pool.patches_mnc.split(_BATCH), pool.attention_mhn.split(_BATCH), strict=True)
        with torch.inference_mode():
            pooled = torch.cat([head.pool(*batch) for batch in batches]).double().numpy()
        outlier_m1 = pooled[:, : head.regions].sum(axis=1, keepdims=True)
        return np.concatenate([outlier_m1, pooled[:, head.regions :]], axis=1)


def compare_statistics(pool: Pool, network: Network) -> dict[str, Any]:
    """AUROC of the outlier score on images that took no part in its statistics."""
    fold_m = deal(pool.group_m, FOLDS, seed=0)
    known, truth = pool.known_m, pool.defective_m[pool.known_m]
    scores: dict[str, Array] = {}
    for name, fit in STATISTICS.items():
        outlier_m = np.zeros(len(fold_m))
        for fold in range(FOLDS):
            inside = torch.from_numpy(fold_m != fold)
            head = network.head(fit(pool.patches_mnc[inside], network.settings))
            outlier_m[fold_m == fold] = network.features(head, _some(pool, ~inside))[:, 0]
        scores[name] = outlier_m[known]
        _say(f"  {name}: {auroc(scores[name], truth):.3f}")
    rows = {}
    for name, score in scores.items():
        gain = auroc_gain(score, scores[USED], truth)
        interval = [gain.low, gain.high]
        rows[name] = {"auroc": auroc(score, truth), "gain": gain.value, "interval": interval}
    return rows


def compare_strengths(pool: Pool, network: Network) -> dict[str, Any]:
    """AUROC on unseen images by number of labels and by how much weights are shrunk."""
    asked = network.settings.train
    learn_m = deal(pool.group_m, 100, seed=5) < 100 * _TO_LEARN
    statistics = leaving_out_images(asked.left_out)(
        pool.patches_mnc[torch.from_numpy(learn_m)], network.settings
    )
    head = network.head(statistics)
    features_mj = network.features(head, pool)
    tokens = [slice(head.first_token - head.regions + 1, features_mj.shape[1])]
    tried: dict[str, tuple[float, ...]] = {"outlier score alone": ()}
    tried |= {f"strength {strength:g}": (strength,) for strength in STRENGTHS}
    tried["chosen by cross-validation"] = asked.strengths
    rows: dict[str, Any] = {}
    for labels in _affordable(pool, learn_m):
        found: dict[str, list[float]] = {name: [] for name in tried}
        for draw in range(DRAWS):
            chosen = _drawn(pool, learn_m, labels, draw)
            for name, strengths in tried.items():
                folds = asked.folds if len(strengths) > 1 else 2
                score = fit_shrunk(
                    features_mj[chosen], pool.defective_m[chosen], features_mj[learn_m],
                    tokens, strengths, folds, draw,
                )  # fmt: skip
                unseen = ~learn_m & pool.known_m
                z = features_mj[unseen] @ score.weight
                found[name].append(auroc(z, pool.defective_m[unseen]))
        rows[str(labels)] = found
        _say(f"  {labels} labels a class: done")
    return rows


def _affordable(pool: Pool, learn_m: Truth) -> list[int]:
    known = pool.known_m & learn_m
    fewest = min((known & pool.defective_m).sum(), (known & ~pool.defective_m).sum())
    return [labels for labels in LABELS if labels <= fewest]


def _drawn(pool: Pool, learn_m: Truth, labels: int, draw: int) -> npt.NDArray[np.int64]:
    random = np.random.default_rng(draw)
    usable = learn_m & pool.known_m
    classes = (usable & ~pool.defective_m, usable & pool.defective_m)
    return np.concatenate([random.permutation(np.flatnonzero(one))[:labels] for one in classes])


def deal(group_m: npt.NDArray[np.int64], hands: int, seed: int) -> npt.NDArray[np.int64]:
    """A hand number for each image; whole groups go into one hand."""
    groups, place_m = np.unique(group_m, return_inverse=True)
    return np.random.default_rng(seed).permutation(np.arange(len(groups)) * hands // len(groups))[
        place_m
    ]


def _some(pool: Pool, which: Tensor) -> Pool:
    rows = which.numpy()
    return Pool(
        pool.patches_mnc[which],
        pool.attention_mhn[which],
        pool.defective_m[rows],
        pool.known_m[rows],
        pool.group_m[rows],
    )


def read_grades(table: Path | None) -> dict[str, float]:
    """Grades by file name without suffix.

    Raises:
        InputError: The table holds no grade, or the cells' package is missing.
    """
    if table is None:
        return {cell.path.stem: cell.grade for cell in mono_cells()}
    grades = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        words = re.split(r"[,\s]+", line.strip())
        if len(words) >= 2 and re.fullmatch(r"[0-9.]+", words[1]):
            grades[Path(words[0]).stem] = float(words[1])
    if not grades:
        raise InputError(f"{table}: no line with a path and a grade; expected `name.png 0.0`.")
    return grades


def look_at_pool(
    network: Network, grades: dict[str, float], blocks: tuple[int, ...], cache: Path
) -> Pool:
    """See the unlabelled images through some blocks.

    Raises:
        InputError: Images or run do not fit, or too few of the images have a grade.
    """
    images = gather_images(network.settings)
    refuse_leaks(images, network.pretrained, allow=False)
    grade_m = np.array([grades.get(path.stem, np.nan) for path in images.unlabelled])
    known_m = (grade_m == 0) | (grade_m == 1)
    if min((grade_m == 0).sum(), (grade_m == 1).sum()) < 2 * FOLDS:
        raise InputError(
            f"{int(known_m.sum())} of {len(grade_m)} unlabelled images have a grade of 0 or 1; at "
            f"least {2 * FOLDS} of each are needed; check --grades."
        )
    settings = _with_blocks(network.settings, blocks)
    looked = Looked(network.pretrained.backbone, settings, images.unlabelled, cache)
    patches, attention = zip(*looked.batches(), strict=True)
    alike = near_duplicates([read_grey(path) for path in images.unlabelled])
    return Pool(torch.cat(patches), torch.cat(attention), grade_m == 1, known_m, np.array(alike))


def _with_blocks(settings: LineSettings, blocks: tuple[int, ...]) -> LineSettings:
    train = settings.train.model_copy(update={"blocks": blocks})
    return settings.model_copy(update={"train": train})


def measure(line: Path, run: Path, grades: Path | None) -> dict[str, Any]:
    """Everything this benchmark measures, as plain JSON values."""
    network = Network(read_settings(line), load_pretrained(run))
    truth = read_grades(grades)
    result: dict[str, Any] = {"where": where_it_ran(), "statistics": {}}
    blocks = network.settings.train.blocks[:1] + (2,)
    with tempfile.TemporaryDirectory() as cache:
        for block in dict.fromkeys(blocks):
            pool = look_at_pool(network, truth, (block,), Path(cache))
            _say(f"block {block}: statistics of {len(pool.group_m)} images")
            result["statistics"][f"block {block}"] = compare_statistics(pool, network)
            if block == blocks[0]:
                clear = pool.defective_m[pool.known_m]
                result["images"] = {
                    "unlabelled": len(pool.group_m),
                    "good": int((~clear).sum()),
                    "defective": int(clear.sum()),
                }
                _say(f"block {block}: {DRAWS} draws of labels")
                result["strengths"] = compare_strengths(pool, network)
    return result


def as_table(result: dict[str, Any]) -> str:
    """The result as text."""
    images = result["images"]
    counted = (
        f"{images['unlabelled']} unlabelled images, of which {images['good']} are known to be good "
        f"and {images['defective']} to be defective"
    )
    lines = [*in_words(result["where"]), "", counted, ""]
    for block, rows in result["statistics"].items():
        lines.append(f"outlier score, {block:<26} AUROC   against `{USED}`, 95 %")
        for name, row in rows.items():
            low, high = row["interval"]
            lines.append(
                f"  {name:<38} {row['auroc']:.3f}   {row['gain']:+.3f} [{low:+.3f}, {high:+.3f}]"
            )
        lines.append("")
    counts = list(result["strengths"])
    lines.append(f"AUROC, mean of {DRAWS} draws (lowest)    labels a class: {', '.join(counts)}")
    for name in next(iter(result["strengths"].values()), {}):
        draws = [result["strengths"][count][name] for count in counts]
        cells = [f"{np.mean(each):.3f} ({min(each):.3f})" for each in draws]
        lines.append(f"  {name:<38} " + "   ".join(cells))
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect pretrain`")
    parser.add_argument("--grades", type=Path, help="truth about the unlabelled images")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write the result here")
    asked = parser.parse_args(arguments)
    try:
        result = measure(asked.line, asked.run, asked.grades)
    except InspectionError as problem:
        _say(f"head_choices: {problem}")
        return problem.exit_code
    print(as_table(result))
    if asked.out is not None:
        write_json(asked.out, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
