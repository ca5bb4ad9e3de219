"""Put the finished jobs of `dino_search.py` on one Markdown page."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from dino_jobs import COMPARED, DATA_NAMES, SIDE_PX, Arm, DataName, Job
from markdown_table import table
from where_it_ran import in_words

Done = Mapping[str, Any]
Jobs = list[dict[str, Any]]
_NONE = "–"
_PINNED, _SMALLEST_SPREAD = 0.01, 0.02
_PRODUCTS = {
    "jsrt": "Chest X-rays (JSRT)",
    "elpv": "Solar cells (ELPV mono)",
    "casting": "Pump impellers (casting)",
}

_ABOUT = """\
# Self-distillation on near-identical parts

Written by `benchmarks/dino_search.py` from the JSON files in [{folder}/]({folder}/), one a job;
{finished} of {jobs} jobs are finished. Small trainings ({side} px), all with SPAN at its default
weight; no test image is learnt from or measured. *Published* are DINO's own settings (centred with
momentum 0.9, teacher at 0.04, student at 0.1), with this product's number of outputs and views.

- **loss / ln O**: the loss at the end, over that of a student that says nothing; 1 is collapse.
- **says**: how much the teacher's answer tells about which image it sees, as a share of ln O.
- **same image**: of {compared} images, how often a view's class token is nearest to that of
  another view of the same image; chance is {chance:.1%}.
- **mAP**: of the heads held to heart and lungs, on 40 development X-rays, in place and moved.
- **AUROC**: of the outlier score, on the unlabelled cells that were learnt from, by their grades.
- **collapsed**: runs that end as the product's own watch calls a collapse: says below 1 %, a loss
  within 1 % of ln O, or features of all images alike.

To repeat it:

    python benchmarks/dino_search.py
    python benchmarks/dino_search.py --report

Where it ran:

{where}
"""


def page(done: Done, jobs: Sequence[Job], folder: str) -> str:
    """The page as Markdown."""
    arms = list(dict.fromkeys(job.arm for job in jobs))
    first = next(iter(done.values()))
    about = _ABOUT.format(
        folder=folder,
        finished=len(done),
        jobs=len(jobs),
        side=SIDE_PX,
        compared=COMPARED,
        chance=1 / COMPARED,
        where="\n".join(f"    {line}" for line in in_words(first["where"])),
    )
    return "\n\n".join([about, *(_product(name, done, jobs, arms) for name in DATA_NAMES)]) + "\n"


def _product(name: DataName, done: Done, jobs: Sequence[Job], arms: Sequence[Arm]) -> str:
    measured = {"jsrt": ["mAP", "moved"], "elpv": ["AUROC"], "casting": []}[name]
    head = [
        "settings",
        "seeds",
        "loss / ln O",
        "says",
        "same image",
        *measured,
        "processor min",
        "collapsed",
    ]
    rows = []
    for arm in arms:
        named = [job.name for job in jobs if job.data == name and job.arm == arm]
        found = [done[one] for one in named if one in done]
        if found:
            rows.append([arm.about, str(len(found)), *_row(found, name)])
    return f"## {_PRODUCTS[name]}\n\n{table(head, rows)}"


def _row(found: Jobs, name: DataName) -> list[str]:
    health = [one["health"] for one in found]
    uniform = health[0].get("uniform_loss")
    cells = [_NONE, _NONE]
    if uniform is not None:
        cells = [
            _several([one["objective_loss"] / uniform for one in health]),
            _several([one["teacher_information"] / uniform for one in health]),
        ]
    cells.append(_several([one["same_image"] for one in found]))
    if name == "jsrt":
        cells += [_several([one["map"][place] for one in found]) for place in ("in_place", "moved")]
    if name == "elpv":
        cells.append(_several([one["auroc"] for one in found]))
    cells.append(f"{mean(one['cpu_minutes'] for one in found):.1f}")
    return [*cells, str(sum(_is_collapsed(one) for one in health))]


def _is_collapsed(health: Mapping[str, Any]) -> bool:
    """At the end, by the limits of `span_train.pretrain.health`."""
    uniform = health.get("uniform_loss")
    if health["feature_spread"] < _SMALLEST_SPREAD or uniform is None:
        return bool(health["feature_spread"] < _SMALLEST_SPREAD)
    pinned = abs(health["objective_loss"] - uniform) < _PINNED * uniform
    return bool(pinned or health["teacher_information"] < _PINNED * uniform)


def _several(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
