"""Hold one pretrained network against what it is for: parts, defects, and time at the line.

Letters: I images, K parts.
"""

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsrt_split import folder_of, read_split
from paired_auroc import auroc
from part_measures import measure_network
from warm_jobs import Job

from deploy.export.run import export_run
from deploy.runtime.inspector import Inspector
from span_train.contract.image import load_image
from span_train.contract.settings import LineSettings
from span_train.data.elpv import mono_cells
from span_train.data.splits import gather_images
from span_train.evaluate.run_parts import evaluate_parts
from span_train.finetune.run import TrainedLine, load_trained, scores_of, train
from span_train.pretrained import load_pretrained

CELL_MASKS = Path(__file__).with_name("elpv_masks")
_TIMED, _DIGITS = 21, 4


def measure(job: Job, settings: LineSettings, folder: Path, data: Path) -> dict[str, Any]:
    """Head mAP, AUROC on unseen images, and milliseconds an image; `folder` holds `pretrain`."""
    run = folder / "pretrain"
    train(settings, run, folder / "train")
    trained = load_trained(folder / "train")
    parts = (
        _parts_of_cells(run, folder) if job.data == "elpv" else _parts_of_xrays(run, data, folder)
    )
    found = {
        "blocks": list(trained.settings.train.blocks),
        "parts": parts,
        "defects": _cells(trained, folder) if job.data == "elpv" else _xrays(trained, data, folder),
    }
    if job.seed == 0 and job.data == "elpv":
        found["milliseconds"] = _milliseconds(trained, folder)
    return found


def _parts_of_cells(run: Path, folder: Path) -> dict[str, Any]:
    """Average precision on the cells whose parts were drawn by hand."""
    stems = {mask.stem for mask in (CELL_MASKS / "edge").glob("*.png")}
    images = folder / "drawn"
    images.mkdir()
    for cell in mono_cells():
        if cell.path.stem in stems:
            (images / cell.path.name).symlink_to(cell.path)
    told = evaluate_parts(run, images, CELL_MASKS, folder / "parts.json")
    keys = ("map", "map_interval", "template_map", "oracle_map", "images", "heads")
    by_part = {name: row["ap"] for name, row in told["parts"].items()}
    return {**{key: told[key] for key in keys}, "by_part": by_part}


def _parts_of_xrays(run: Path, data: Path, folder: Path) -> dict[str, Any]:
    """Average precision on the test images, in place and moved, image by image."""
    return measure_network(load_pretrained(run), read_split(development=False), data, folder)


def _cells(trained: TrainedLine, folder: Path) -> dict[str, Any]:
    images = gather_images(trained.settings).test
    truth = np.array([image.label != trained.settings.good_class for image in images], bool)
    z_i, outlier_i = _scores(trained, [image.path for image in images], folder)
    return {**_ranked(outlier_i, truth), "auroc_20_labels": round(auroc(z_i, truth), _DIGITS)}


def _xrays(trained: TrainedLine, data: Path, folder: Path) -> dict[str, Any]:
    stems = read_split(development=False).measured_on
    images = folder_of(stems, data, folder / "test")
    truth = np.array([stem.startswith("JPCLN") for stem in stems], bool)
    _, outlier_i = _scores(trained, [images / f"{stem}.png" for stem in stems], folder)
    return _ranked(outlier_i, truth)


def _scores(trained: TrainedLine, paths: list[Path], folder: Path) -> tuple[Any, Any]:
    return scores_of(trained.model, trained.settings, paths, folder / "train" / "cache")


def _ranked(outlier_i: Any, truth: Any) -> dict[str, Any]:
    return {
        "auroc": round(auroc(outlier_i, truth), _DIGITS),
        "good": int((~truth).sum()),
        "defective": int(truth.sum()),
        "outlier": [round(float(one), 5) for one in outlier_i],
        "truth": [int(one) for one in truth],
    }


def _milliseconds(trained: TrainedLine, folder: Path) -> dict[str, Any]:
    """Of the exported bundle, one image at a time on the CPU: decoding is left out."""
    export_run(folder / "train", folder / "bundle")
    inspector = Inspector.open(folder / "bundle", "cpu")
    image = load_image(trained.example_paths[0])
    times = [inspector.inspect(image).latency_ms for _ in range(_TIMED)]
    return {"median": round(statistics.median(times), 1), "threads": torch.get_num_threads()}
