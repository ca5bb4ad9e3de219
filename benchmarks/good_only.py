"""Good images alone: the head's outlier score beside PaDiM on the features of the same network.

    python benchmarks/good_only.py LINE.yaml --run RUN… [--anomalib PYTHON] [--out RESULT.json]

Each RUN is a finished `inspect pretrain` of LINE. Both learn from the good training images of LINE,
whose labels are the only ones used, and rank its test images. PaDiM is written out in `padim.py`;
with --anomalib, the Python of an environment that has anomalib, its own PaDiM is asked.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from markdown_table import table
from padim import padim_scores
from paired_auroc import auroc, auroc_gain
from rows_of_json import write_rows
from torch import Tensor
from where_it_ran import in_words, where_it_ran

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.labels import LabelledImage
from span_train.data.splits import gather_images
from span_train.evaluate.metrics import scored_parts
from span_train.finetune.fit_head import empty_head, fit_statistics
from span_train.finetune.looked import Looked
from span_train.pretrained import PretrainedLine, load_pretrained

Scores = npt.NDArray[np.float64]
ANOMALIB = Path(__file__).with_name("anomalib_padim.py")


def measure(line: Path, run: Path, python: Path | None) -> dict[str, Any]:
    """AUROC of both on the test parts, and the paired difference, as plain JSON values.

    Raises:
        InputError: The line has no good training image or no test image of both kinds.
    """
    pretrained = load_pretrained(run)
    settings = _settings(line, pretrained)
    images = gather_images(settings)
    good = [image for image in images.train if image.label == settings.good_class]
    if not good or not images.test:
        raise InputError(f"{line}: wants labelled good images to learn from, and a test split.")
    with tempfile.TemporaryDirectory() as folder:
        usual, tested = (
            Looked(pretrained.backbone, settings, [one.path for one in some], Path(folder))
            for some in (good, images.test)
        )
        outlier = _outliers(settings, pretrained, usual, tested)
        side_px = settings.input.side_px
        padim = _padim(_patches(usual), _patches(tested), side_px, python, Path(folder))
    truth, outlier_p, padim_p = _by_part(images.test, settings.good_class, outlier, padim)
    gain = auroc_gain(outlier_p, padim_p, truth)
    return {
        "run": run.name,
        "good": len(good),
        "block": list(settings.train.blocks),
        "test_parts": {"good": int((~truth).sum()), "defective": int(truth.sum())},
        "outlier": auroc(outlier_p, truth),
        "padim": auroc(padim_p, truth),
        "gain": [gain.value, gain.low, gain.high],
        "padim_by": "anomalib" if python else "padim.py",
    }


def _settings(line: Path, pretrained: PretrainedLine) -> LineSettings:
    """The line, seen as the network was trained to see it."""
    settings, own = read_settings(line), pretrained.settings
    blocks = own.train.blocks or (pretrained.backbone.middle,)
    train = own.train.model_copy(update={"blocks": blocks})
    return settings.model_copy(update={"input": own.input, "model": own.model, "train": train})


def _outliers(
    settings: LineSettings, pretrained: PretrainedLine, usual: Looked, tested: Looked
) -> Scores:
    deviation, _ = fit_statistics(settings, usual, np.ones(len(usual.paths), np.int8))
    head = empty_head(settings, pretrained.layout, pretrained.backbone, deviation, 1)
    return np.asarray(tested.pooled(head)[:, : head.regions].sum(axis=1), np.float64)


def _patches(looked: Looked) -> Tensor:
    return torch.cat([patches for patches, _ in looked.batches()])


def _padim(
    good_mnc: Tensor, test_tnc: Tensor, side_px: int, python: Path | None, folder: Path
) -> Scores:
    if python is None:
        return padim_scores(good_mnc, test_tnc, side_px).astype(np.float64)
    features, out = folder / "features.npz", folder / "scores.npy"
    np.savez(features, good=good_mnc.numpy(), test=test_tnc.numpy())
    asked = ["--features", str(features), "--out", str(out), "--side", str(side_px)]
    done = subprocess.run(
        [str(python), str(ANOMALIB), *asked], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InputError(f"{python}: anomalib's PaDiM failed: {done.stderr.strip()[-300:]}")
    return np.asarray(np.load(out), np.float64)


def _by_part(
    images: Sequence[LabelledImage], good_class: str, outlier: Scores, padim: Scores
) -> tuple[npt.NDArray[np.bool_], Scores, Scores]:
    """Truth and both scores by physical part, each by its worst image."""
    defective = [image.label != good_class for image in images]
    groups = [image.group for image in images]
    parts = scored_parts(outlier, defective, ["recheck"] * len(images), padim, groups)
    return parts.defective_p, parts.z_p, parts.outlier_p


def as_page(rows: Sequence[dict[str, Any]]) -> str:
    """The results as a table."""
    cells = [
        [
            row["run"],
            ", ".join(map(str, row["block"])),
            f"{row['outlier']:.3f}",
            f"{row['padim']:.3f}",
            "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["gain"]),
        ]
        for row in rows
    ]
    first = rows[0]
    said = (
        f"{first['good']} good images to learn from; {first['test_parts']['good']} good and "
        f"{first['test_parts']['defective']} defective test parts; PaDiM by {first['padim_by']}"
    )
    head = ["network", "block", "outlier score", "PaDiM", "difference, 95 %"]
    return "\n".join([said, "", table(head, cells)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="of `inspect pretrain`")
    parser.add_argument("--anomalib", type=Path, metavar="PYTHON", help="that has anomalib")
    parser.add_argument("--out", type=Path, metavar="RESULT.json")
    asked = parser.parse_args(arguments)
    try:
        rows = [measure(asked.line, run, asked.anomalib) for run in asked.run]
    except InspectionError as problem:
        print(f"good_only: {problem}", file=sys.stderr)
        return problem.exit_code
    where = where_it_ran()
    if asked.out is not None:
        write_rows(asked.out, {"where": where, "rows": rows})
    print("\n".join([as_page(rows), *in_words(where)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
