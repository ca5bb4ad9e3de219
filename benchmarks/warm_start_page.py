"""Put the finished jobs of `warm_start.py` on one Markdown page that tells what to choose.

Letters: I images, K parts, S seeds.
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
from paired_auroc import auroc_gain
from warm_jobs import Arm, Job
from where_it_ran import in_words

Done = Mapping[str, Any]
Jobs = list[dict[str, Any]]
Values = npt.NDArray[np.float64]
_RESAMPLES = 2000
_NONE = "–"

_ABOUT = """\
# A natural-image network: continued with SPAN, frozen, or not used

Written by `benchmarks/warm_start.py` from the JSON files in [{folder}/]({folder}/), one a job;
{finished} of {jobs} jobs are finished. The natural-image network is the DINOv2-style ViT-S/14 that
`benchmarks/dinov2_weights.py` takes out of a public package; it is no part of this project.
*Continued* networks went through `inspect pretrain` with the settings that a line with
`model.weights` gets unasked, in bfloat16; *from scratch* is the product's own small network with
its own defaults. All went through `inspect train` and `inspect export`.

Settings were searched on the unlabelled pool of the cells alone. What stands here was measured once
on images that took no part in pretraining, statistics or search.

- **AUROC**: the outlier score, which needs no label, defective against good test cells. *20
  labels*: the defect logit with 20 good and 20 defective labelled cells.
- **mAP**: pixel average precision of the heads' attention, over parts. Continued networks are read
  at the heads assigned to the parts; a frozen one has none, and for each image and part the head is
  read that is best on all the other images.
- **minutes**: pretraining, wall time and processor time, on a machine that did other work as well:
  the processor's is the one to compare. **ms**: one image through the exported bundle.

To repeat it:

    python benchmarks/dinov2_weights.py --out WEIGHTS
    python benchmarks/warm_start.py --weights WEIGHTS
    python benchmarks/warm_start.py --report

Where it ran:

{where}
"""

_LIMITS = """\
## What this does not show

Two products, one natural-image network, one exemplar each, up to three seeds of one split. The
interval of a difference comes from drawing the test images again, the same for both networks and
all seeds; it tells how far other images could move it. On X-rays the defects are lung nodules that
radiologists find hard, in {xrays} test images: the outlier score is not made for them. AUROCs of
the first seeds at 112 px were taken before patches scored relative to their place, which moves them
by some 0.002 here ([label_budget.md](label_budget.md)).
"""


def page(done: Done, jobs: Sequence[Job], folder: str) -> str:
    """The page as Markdown."""
    arms = list(dict.fromkeys(job.arm for job in jobs))
    first = next(iter(done.values()))
    where = "\n".join(f"    {line}" for line in in_words(first["where"]))
    about = _ABOUT.format(folder=folder, finished=len(done), jobs=len(jobs), where=where)
    main = [arm for arm in arms if len(arm.data) > 1]
    controls = [arm for arm in arms if len(arm.data) == 1]
    pieces = [about, "## Solar cells (ELPV mono)", _cells(done, main)]
    if any(_found(done, "elpv", arm) for arm in controls):
        pieces += ["### Controls, one seed", _cells(done, [main[1], *controls], seeds=(0,))]
    pieces += ["## Chest X-rays (JSRT)", _xrays(done, main)]
    pieces += ["## Continued, against the same network frozen", _gains(done, main)]
    test = [job for name, job in done.items() if name.startswith("jsrt.")]
    counted = str(len(test[0]["defects"]["truth"])) if test else "50"
    return "\n\n".join([*pieces, _LIMITS.format(xrays=counted)])


def _found(done: Done, data: str, arm: Arm, seeds: Sequence[int] | None = None) -> Jobs:
    return [
        done[name]
        for seed in (arm.seeds if seeds is None else seeds)
        if (name := f"{data}.{arm.name}.{seed}") in done
    ]


def _cells(done: Done, arms: Sequence[Arm], seeds: Sequence[int] | None = None) -> str:
    header = (
        "| network | seeds | AUROC | 20 labels | head mAP | minutes | processor min | steps | ms |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    rows = []
    for arm in arms:
        jobs = _found(done, "elpv", arm, seeds)
        if jobs:
            milliseconds = [job["milliseconds"]["median"] for job in jobs if "milliseconds" in job]
            cells = [
                arm.about,
                str(len(jobs)),
                _several([job["defects"]["auroc"] for job in jobs]),
                _several([job["defects"]["auroc_20_labels"] for job in jobs]),
                _several([job["parts"]["map"] for job in jobs]),
                *_cost(jobs),
                f"{milliseconds[0]:.0f}" if milliseconds else _NONE,
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join((*header, *rows)) if rows else "No job is finished yet."


def _xrays(done: Done, arms: Sequence[Arm]) -> str:
    header = (
        "| network | seeds | head mAP | moved images | AUROC | minutes | processor min | steps |",
        "|---|---|---|---|---|---|---|---|",
    )
    rows = []
    for arm in arms:
        jobs = _found(done, "jsrt", arm)
        if jobs:
            cells = [
                arm.about,
                str(len(jobs)),
                *(
                    _several([_head_map(job, place) for job in jobs])
                    for place in ("in_place", "moved")
                ),
                _several([job["defects"]["auroc"] for job in jobs]),
                *_cost(jobs),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join((*header, *rows)) if rows else "No job is finished yet."


def _gains(done: Done, arms: Sequence[Arm]) -> str:
    """Paired differences to the frozen network of the same image size."""
    frozen = {
        arm.name.removeprefix("frozen-"): arm for arm in arms if arm.name.startswith("frozen")
    }
    lines = []
    for arm in arms:
        side = arm.name.removeprefix("continued-")
        jobs = _found(done, "elpv", arm)
        base = _found(done, "elpv", frozen[side]) if side in frozen and arm != frozen[side] else []
        if jobs and base:
            defects = [job["defects"] for job in jobs]
            gain = auroc_gain(
                [one["outlier"] for one in defects],
                [base[0]["defects"]["outlier"]] * len(defects),
                np.array(defects[0]["truth"], bool),
            )
            lines.append(
                f"- {side} px, AUROC of the outlier score: {gain.value:+.3f} "
                f"[{gain.low:+.3f}, {gain.high:+.3f}], mean of {len(jobs)} seeds."
            )
        jobs = _found(done, "jsrt", arm)
        base = _found(done, "jsrt", frozen[side]) if side in frozen and arm != frozen[side] else []
        for place in ("in_place", "moved") if jobs and base else ():
            value, low, high = _map_gain(jobs, base[0], place)
            lines.append(
                f"- {side} px, head mAP on X-rays {place.replace('_', ' ')}: {value:+.3f} "
                f"[{low:+.3f}, {high:+.3f}], mean of {len(jobs)} seeds."
            )
    return "\n".join(lines) or "No pair is finished yet."


def _map_gain(jobs: Jobs, base: dict[str, Any], place: str) -> tuple[float, float, float]:
    """Mean over seeds, images and parts, with the interval from drawing images again."""
    own_sik = np.array([_rows(job, place) for job in jobs], np.float64)
    gain_i = (own_sik - _rows(base, place)).mean(axis=(0, 2))
    images = len(gain_i)
    drawn_ri = np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), _RESAMPLES)
    low, high = np.quantile(drawn_ri @ gain_i / images, [0.025, 0.975])
    return float(gain_i.mean()), float(low), float(high)


def _rows(job: dict[str, Any], place: str) -> Values:
    """(I, K) average precision of the heads that count: assigned ones where there are any."""
    found = job["parts"][place]
    columns = found.get("assigned", found["best"])
    return np.array([columns[part] for part in sorted(columns)], np.float64).T


def _head_map(job: dict[str, Any], place: str) -> float:
    return float(_rows(job, place).mean())


def _cost(jobs: Jobs) -> tuple[str, str, str]:
    if all(job["steps"] == 1 for job in jobs):
        return _NONE, _NONE, "0"
    minutes = mean(job["minutes"] for job in jobs)
    return (
        f"{minutes:.1f}",
        f"{mean(job['cpu_minutes'] for job in jobs):.1f}",
        str(jobs[0]["steps"]),
    )


def _several(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
