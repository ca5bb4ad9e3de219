"""What a finished demo shows beside its own numbers: where heads look, and paired scores.

Letters: M images, H heads, K parts, N patches.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.settings import LineSettings, read_settings
from span_train.data.labels import LabelledImage
from span_train.data.splits import gather_images
from span_train.evaluate.part_focus import adherence
from span_train.finetune.looked import Looked
from span_train.finetune.run import load_trained, scores_of
from span_train.pretrained import PretrainedLine, load_pretrained

Array = npt.NDArray[np.float64]


def part_attention(demo: Path) -> dict[str, Any]:
    """Share of a head's attention inside its part, over the test images, by part.

    For SPAN the head is the assigned one. The baseline has no assigned heads: for each part the
    head is read that looks at it most on the calibration images. `area` is the part's share of the
    image, which is what a head that looks everywhere would give.
    """
    settings = read_settings(demo / "line" / "line.yaml")
    images = gather_images(settings)
    span, plain = load_pretrained(demo / "pretrain"), load_pretrained(demo / "baseline")
    mask_kn = _mask_kn(span)
    cache = demo / "cache"
    of_span_hk = _mass(span, settings, images.test, mask_kn, cache)
    chosen_k = _mass(plain, settings, images.calibration, mask_kn, cache).argmax(axis=0)
    of_plain_hk = _mass(plain, settings, images.test, mask_kn, cache)
    parts = range(len(mask_kn))
    return {
        "images": len(images.test),
        "parts": {
            span.layout.names[k]: {
                "span": float(of_span_hk[k, k]),
                "baseline": float(of_plain_hk[chosen_k[k], k]),
                "baseline_head": int(chosen_k[k]),
                "area": float(mask_kn[k].mean()),
            }
            for k in parts
        },
    }


def paired_scores(demo: Path) -> dict[str, Any]:
    """Scores of every test image by the line with SPAN and by the one without."""
    settings = read_settings(demo / "line" / "line.yaml")
    test = gather_images(settings).test
    scores = {
        name: _scores(demo / run, [image.path for image in test], demo / "cache")
        for name, run in (("span", "train"), ("baseline", "baseline-train"))
    }
    return {
        "images": [image.path.name for image in test],
        "groups": [image.group for image in test],
        "defective": [image.label != settings.good_class for image in test],
        **scores,
    }


def _mask_kn(pretrained: PretrainedLine) -> Array:
    how, grid = pretrained.settings.input, pretrained.backbone.grid
    masks = torch.from_numpy(pretrained.layout.fitted(how.side_px, how.fit))
    pooled = torch.nn.functional.adaptive_avg_pool2d(masks[None], grid)[0]
    return pooled.flatten(1).double().numpy()


def _mass(
    pretrained: PretrainedLine,
    settings: LineSettings,
    images: Sequence[LabelledImage],
    mask_kn: Array,
    cache: Path,
) -> Array:
    looked = Looked(pretrained.backbone, settings, [image.path for image in images], cache)
    attention_mhn = torch.cat([attention for _, attention in looked.batches()])
    return adherence(attention_mhn.numpy(), mask_kn).mass_hk


def _scores(run: Path, paths: Sequence[Path], cache: Path) -> dict[str, list[float]]:
    trained = load_trained(run)
    z, outlier = scores_of(trained.model, trained.settings, paths, cache)
    return {"z": [round(one, 6) for one in z], "outlier": [round(one, 6) for one in outlier]}
