"""Hold a memory of usual patches against place statistics, on a line without any training label.

    python benchmarks/no_pose.py LINE.yaml --run RUN [--blocks 1 2 3]

RUN is a finished `inspect pretrain` of LINE. Ranked is the outlier score of the test images;
every block that was asked for is shown, none is chosen by it.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from markdown_table import table
from paired_auroc import auroc, auroc_gain
from where_it_ran import in_words, where_it_ran

from span_train.contract.errors import InspectionError
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.splits import LineImages, gather_images
from span_train.finetune.fit_head import empty_head, fit_statistics
from span_train.finetune.looked import Looked
from span_train.pretrained import PretrainedLine, load_pretrained

KINDS = ("places", "memory")


def measure(line: Path, run: Path, blocks: Sequence[int]) -> dict[str, Any]:
    """AUROC of the outlier score by block and kind of statistics, as plain JSON values."""
    settings, pretrained = read_settings(line), load_pretrained(run)
    images = gather_images(settings)
    truth = np.array([image.label != settings.good_class for image in images.test])
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for block in blocks:
            places, memory = (
                _outliers(_changed(settings, block, kind), pretrained, images, Path(cache))
                for kind in KINDS
            )
            gain = auroc_gain(memory, places, truth)
            rows.append(
                {
                    "block": block,
                    "places": auroc(places, truth),
                    "memory": auroc(memory, truth),
                    "gain": [gain.value, gain.low, gain.high],
                }
            )
    counts = {"good": int((~truth).sum()), "defective": int(truth.sum())}
    learnt = len(images.unlabelled)
    return {"where": where_it_ran(), "test": counts, "unlabelled": learnt, "rows": rows}


def _changed(settings: LineSettings, block: int, kind: str) -> LineSettings:
    train = settings.train.model_copy(update={"blocks": (block,), "statistics": kind})
    return settings.model_copy(update={"train": train})


def _outliers(
    settings: LineSettings, pretrained: PretrainedLine, images: LineImages, cache: Path
) -> npt.NDArray[np.float64]:
    usual = Looked(pretrained.backbone, settings, images.unlabelled, cache)
    deviation, _ = fit_statistics(settings, usual)
    head = empty_head(settings, pretrained.layout, pretrained.backbone, deviation, 1)
    tested = Looked(pretrained.backbone, settings, [i.path for i in images.test], cache)
    return np.asarray(tested.pooled(head)[:, : head.regions].sum(axis=1), np.float64)


def as_page(result: dict[str, Any]) -> str:
    """The result as a table."""
    rows = [
        [
            str(row["block"]),
            f"{row['places']:.3f}",
            f"{row['memory']:.3f}",
            "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["gain"]),
        ]
        for row in result["rows"]
    ]
    test = result["test"]
    said = (
        f"{result['unlabelled']} unlabelled images; AUROC of the outlier score on {test['good']} "
        f"good and {test['defective']} defective test images"
    )
    head = ["block", "places", "memory", "gain of memory, 95 %"]
    return "\n".join([said, "", table(head, rows), *in_words(result["where"])])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect pretrain`")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args(arguments)
    try:
        print(as_page(measure(asked.line, asked.run, asked.blocks)))
    except InspectionError as problem:
        print(f"no_pose: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
