"""Time the defect head on the cached features of 2,600 images, and the numbers of an evaluation.

    python benchmarks/head_speed.py LINE.yaml --run RUN [--images 2600] [--labels 40]

RUN is a finished `inspect pretrain` of LINE. The network looks at the line's unlabelled images
before the clock starts; their features, with a little noise, are repeated to so many images. Timed
are: statistics and weights of the head, as `inspect train` fits them; and every number and interval
of `metrics.json` for so many test parts, the label-budget curve with five draws included.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from where_it_ran import in_words, where_it_ran

from span_train.contract.settings import read_settings
from span_train.data.splits import gather_images
from span_train.evaluate.by_class import scores_of_parts, verdicts_by_class
from span_train.evaluate.metrics import line_metrics
from span_train.evaluate.reliability import reliability
from span_train.finetune.fit_head import empty_head, fit_statistics, tied, token_features
from span_train.finetune.label_budget import Budgets, SeenFeatures, label_budget_curve
from span_train.finetune.looked import Looked
from span_train.finetune.shrunk_fit import fit_shrunk
from span_train.pretrained import load_pretrained


class Repeated(Looked):
    """The features of some images, repeated with noise up to so many."""

    def __init__(self, looked: Looked, images: int) -> None:
        kept = list(looked.batches())
        patches, attention = (torch.cat(each) for each in zip(*kept, strict=True))
        chosen = torch.arange(images) % len(patches)
        noise = torch.randn(
            (images, *patches.shape[1:]), generator=torch.Generator().manual_seed(0)
        )
        repeated = patches[chosen] + 0.1 * patches.std() * noise
        self._kept = list(zip(repeated.split(64), attention[chosen].split(64), strict=True))


def measure(line: Path, run: Path, images: int, labels: int) -> dict[str, Any]:
    """Seconds of each part, as plain JSON values."""
    settings, pretrained = read_settings(line), load_pretrained(run)
    with tempfile.TemporaryDirectory() as cache:
        paths = gather_images(settings).unlabelled
        looked = Repeated(Looked(pretrained.backbone, settings, paths, Path(cache)), images)
    defective = np.arange(images) % 5 == 0
    started = _now()
    deviation, kept = fit_statistics(settings, looked)
    head = empty_head(settings, pretrained.layout, pretrained.backbone, deviation, 1)
    learnt_m = torch.where(torch.from_numpy(kept), torch.arange(images), -1)
    features_mj = tied(looked.pooled(head, learnt_m), head)
    chosen = np.concatenate([np.flatnonzero(defective == kind)[:labels] for kind in (False, True)])
    asked = settings.train
    score = fit_shrunk(
        features_mj[chosen], defective[chosen], features_mj,
        [token_features(head)], asked.strengths, asked.folds, asked.seed,
    )  # fmt: skip
    fitted = _now()
    z = features_mj @ score.weight + score.bias
    seen = SeenFeatures(
        features_mj, features_mj, features_mj, defective, defective,
        (None,) * images, token_features(head),
    )  # fmt: skip
    _evaluate(z, defective, features_mj, head.regions)
    numbers = _now()
    label_budget_curve(seen, Budgets((5, 10, 20, 80), seeds=5), settings)
    times = {"head": (started, fitted), "numbers": (fitted, numbers)}
    times["label budget"] = (numbers, _now())
    return {
        "where": where_it_ran(),
        "images": images,
        "threads": torch.get_num_threads(),
        "seconds": {
            name: {"wall": after[0] - before[0], "processor": after[1] - before[1]}
            for name, (before, after) in times.items()
        },
    }


def _now() -> tuple[float, float]:
    """Wall and processor time; the second counts where a machine does other work as well."""
    return time.perf_counter(), time.process_time()


def _evaluate(
    z: np.ndarray[Any, Any], defective: np.ndarray[Any, Any], features: np.ndarray[Any, Any], k: int
) -> None:
    """Every number of `metrics.json` that rests on scores alone."""
    verdicts = np.array(["pass", "recheck", "fail"])[np.digitize(z, np.quantile(z, [0.5, 0.9]))]
    groups = [None] * len(z)
    names = [f"part {number}" for number in range(k)]
    line_metrics(z, defective, verdicts.tolist(), features[:, 0], groups)
    verdicts_by_class(
        np.where(defective, "bad", "good").tolist(), verdicts.tolist(), groups, "good"
    )
    scores_of_parts(features[:, :k], names, defective, groups)
    reliability(1 / (1 + np.exp(-z)), defective, 0.02)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect pretrain`")
    parser.add_argument("--images", type=int, default=2600)
    parser.add_argument("--labels", type=int, default=40, help="labelled images of each class")
    asked = parser.parse_args(arguments)
    found = measure(asked.line, asked.run, asked.images, asked.labels)
    print("\n".join(in_words(found["where"])))
    print(f"{found['images']} images, {found['threads']} threads; seconds:")
    for name, seconds in found["seconds"].items():
        print(f"{name:<16} {seconds['wall']:6.1f} wall {seconds['processor']:6.1f} processor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
