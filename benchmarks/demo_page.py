"""Put the results of `demo_seeds.py` on one Markdown page, each number with its counts."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import numpy as np
from markdown_table import table
from paired_auroc import Gain, auroc_gain
from where_it_ran import in_words

from span_train.evaluate.metrics import scored_parts

Done = dict[str, Any]

_ABOUT = """\
# The demo, {count}

Written by `benchmarks/demo_seeds.py` from the JSON files in [{folder}/]({folder}/). `SPAN` is
`inspect demo` as it stands; `baseline` is the same line, steps and seed with a prior weight of 0.
The images and their splits are the same for every seed: a seed changes the network's start, the
order and views of the images, and the folds of the cross-validation.

To repeat it, in an empty folder DIR:

    {command}

Where it ran:

{where}
"""

_ATTENTION = """\
## Where the heads look

Share of a head's attention inside its part, on {images} whole test images, averaged network. SPAN:
the head assigned to the part. Baseline: the head that looks at the part most on the calibration
images. Area: the part's share of the image, which a head that looks everywhere would give.
"""

_RANKING = """\
## How well scores rank test parts

AUROC over physical parts, with 95 % bootstrap intervals. *Outlier score*: no label is used. *z*:
after training on {good} good and {defective} defective images. The last table is the difference on
the same parts, mean over seeds; its interval resamples the parts, and says nothing of other seeds.
An interval that holds 0 shows no gain.
"""

_VERDICTS = """\
## Verdicts on test parts

Thresholds were chosen on the calibration images, for goals fixed before. Escapes are over the
defective parts, overkill is over the good ones, rechecks are over all; 95 % Clopper-Pearson.
"""

_PARITY = """\
## The bundle against the network

Largest difference between torch and the exported graph over the bundle's example images, and
verdicts that differ (flips). The demo also compares the verdict of every test image, and stops
where one differs.
"""

_SPEED = """\
## Speed

Scoring is from the bundle alone: reading files, graph, verdict, results files and store. Rates of
pretraining are over all its steps. `inspect --help` answered in {help_s:.2f} s, the median of
{starts} starts. Times count for a machine that does nothing else: load is how many processes wanted
to run in the minute before.
"""

_LIMITS = """\
## What this does not show

One product and one split. Calibration and test images were drawn from the same collection, so
claims that hold here need not hold on a line whose parts differ. Means over seeds have no interval
of their own: the seeds share their test parts.
"""


def page(done: Done, command: str, folder: str) -> str:
    """The page.

    Args:
        done: The content of every job's JSON, by name.
        command: What repeats the study.
        folder: Name of the folder beside the page that holds the JSON.

    Raises:
        ValueError: The seeds do not share their test images.
    """
    seeds = [name.removesuffix(".demo") for name in done if name.endswith(".demo")]
    first = done[f"{seeds[0]}.demo"]
    images = done[f"{seeds[0]}.attention"]["result"]["images"]
    trained_on = first["result"]["said"]["counts"]["train"]
    start = done["start"]["result"]
    count = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed"
    commands = "\n".join(f"    {one}" for one in _commands(done, seeds[0]))
    return "\n".join(
        [
            _ABOUT.format(count=count, folder=folder, command=command, where=_where(done)),
            f"For each seed that ran, like the first:\n\n{commands}\n",
            _ATTENTION.format(images=images),
            _attention(done, seeds),
            _RANKING.format(**trained_on),
            _ranking(done, seeds),
            _VERDICTS,
            _verdicts(done, seeds),
            _claims(done, seeds),
            _PARITY,
            _parity(done, seeds),
            _SPEED.format(help_s=start["median_s"], starts=len(start["seconds"])),
            _speed(done, seeds),
            _LIMITS,
        ]
    )


def _commands(done: Done, seed: str) -> list[str]:
    jobs = ("demo", "baseline-pretrain", "baseline-train", "baseline-evaluate")
    return [done[f"{seed}.{job}"]["result"]["command"] for job in jobs]


def _where(done: Done) -> str:
    """Machine, versions, commit and time; what changed on the way is listed one after the other."""
    told = [in_words(job["where"]) for job in done.values()]
    machines, systems, versions, commits, times = (
        list(dict.fromkeys(kind)) for kind in zip(*told, strict=True)
    )
    lines = ["; then ".join(kind) for kind in (machines, systems, versions, commits)]
    return "\n".join(f"- {line}" for line in [*lines, f"{min(times)} to {max(times)}"])


def _attention(done: Done, seeds: Sequence[str]) -> str:
    shares = {seed: done[f"{seed}.attention"]["result"]["parts"] for seed in seeds}
    rows = []
    for part in shares[seeds[0]]:
        for who in ("span", "baseline"):
            of_seed = [shares[seed][part][who] for seed in seeds]
            area = shares[seeds[0]][part]["area"]
            name = "SPAN" if who == "span" else "baseline"
            rows.append([f"{part}, {name}", *map(_percent, [*of_seed, mean(of_seed), area])])
    return table(["part", *map(_shown, seeds), "mean", "area"], rows)


def _ranking(done: Done, seeds: Sequence[str]) -> str:
    rows = []
    for key, score in (("outlier_auroc", "outlier score"), ("auroc", "z")):
        for name, metrics_of in (("SPAN", _span), ("baseline", _baseline)):
            found = [metrics_of(done, seed)[key] for seed in seeds]
            average = mean(one["value"] for one in found)
            rows.append([f"{score}, {name}", *map(_with_interval, found), f"{average:.3f}"])
    gains = [
        [f"{score}, SPAN less baseline", _gain(_paired(done, seeds, key))]
        for key, score in (("outlier", "outlier score"), ("z", "z"))
    ]
    return "\n".join(
        [table(["score", *map(_shown, seeds), "mean"], rows), table(["score", "gain"], gains)]
    )


def _paired(done: Done, seeds: Sequence[str], key: str) -> Gain:
    """The gain in AUROC of SPAN on the physical parts of the test split."""
    scores = [done[f"{seed}.scores"]["result"] for seed in seeds]
    if any(one["images"] != scores[0]["images"] for one in scores):
        raise ValueError("the seeds have different test images, so they cannot be averaged")
    truth, groups = scores[0]["defective"], scores[0]["groups"]
    none = ["recheck"] * len(truth)
    span, plain = (
        np.stack([scored_parts(one[who][key], truth, none, None, groups).z_p for one in scores])
        for who in ("span", "baseline")
    )
    defective = scored_parts(truth, truth, none, None, groups).defective_p
    return auroc_gain(span, plain, defective)


def _verdicts(done: Done, seeds: Sequence[str]) -> str:
    rows = []
    for key in ("escape_rate", "overkill_rate", "recheck_rate"):
        for name, metrics_of in (("SPAN", _span), ("baseline", _baseline)):
            found = [metrics_of(done, seed)[key] for seed in seeds]
            average = _percent(mean(one["value"] for one in found))
            title = key.removesuffix("_rate")
            rows.append([f"{title}, {name}", *map(_with_count, found), average])
    return table(["", *map(_shown, seeds), "mean"], rows)


def _claims(done: Done, seeds: Sequence[str]) -> str:
    lines = ["What the calibration images promise for SPAN:", ""]
    for seed in seeds:
        claims = done[f"{seed}.demo"]["result"]["said"]["claims"]
        lines += [f"- {_shown(seed)}: {claim['message']}" for claim in claims]
    return "\n".join([*lines, ""])


def _parity(done: Done, seeds: Sequence[str]) -> str:
    parity = [done[f"{seed}.demo"]["result"]["parity"] for seed in seeds]
    rows = [
        [name, *(f"{one['largest_difference'][name]:.1e}" for one in parity), f"{allowed:.0e}"]
        for name, allowed in parity[0]["tolerance"].items()
    ]
    rows.append(["verdict flips", *(str(one["verdict_flips"]) for one in parity), "0"])
    rows.append(["example images", *(str(one["images"]) for one in parity), ""])
    return table(["", *map(_shown, seeds), "allowed"], rows)


def _speed(done: Done, seeds: Sequence[str]) -> str:
    said = {seed: done[f"{seed}.demo"]["result"]["said"] for seed in seeds}
    plain = {seed: done[f"{seed}.baseline-pretrain"]["result"]["said"] for seed in seeds}
    number: dict[str, Callable[[str], float]] = {
        "pretraining, images/s": lambda seed: said[seed]["pretraining"]["images_per_s"],
        "pretraining, baseline, images/s": lambda seed: plain[seed]["images_per_s"],
        "pretraining, steps": lambda seed: said[seed]["pretraining"]["steps"],
        "scoring, images/s": lambda seed: said[seed]["scoring_images_per_s"],
    }
    rows = [
        [name, *_with_mean([read(seed) for seed in seeds], ".0f")] for name, read in number.items()
    ]
    for stage in said[seeds[0]]["timings_s"]:
        values = [said[seed]["timings_s"][stage] for seed in seeds]
        rows.append([f"{stage}, s", *_with_mean(values, ".1f")])
    wall = [done[f"{seed}.demo"]["wall_s"] for seed in seeds]
    rows.append(["the whole demo, s", *_with_mean(wall, ".0f")])
    for job in ("demo", "baseline-pretrain"):
        loads = [done[f"{seed}.{job}"]["load_before"] for seed in seeds]
        rows.append([f"load before {job}", *_with_mean(loads, ".1f")])
    return table(["", *map(_shown, seeds), "mean"], rows)


def _span(done: Done, seed: str) -> dict[str, Any]:
    metrics: dict[str, Any] = done[f"{seed}.demo"]["result"]["said"]["metrics"]
    return metrics


def _baseline(done: Done, seed: str) -> dict[str, Any]:
    metrics: dict[str, Any] = done[f"{seed}.baseline-evaluate"]["result"]["said"]
    return metrics


def _shown(seed: str) -> str:
    return seed.replace("-", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _with_interval(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['value']:.3f} [{low:.3f}, {high:.3f}]"


def _with_count(found: dict[str, Any]) -> str:
    low, high = map(_percent, found["interval"])
    return f"{found['count']} of {found['of']}: {_percent(found['value'])} [{low}, {high}]"


def _with_mean(values: Sequence[float], form: str) -> list[str]:
    return [format(value, form) for value in [*values, mean(values)]]


def _gain(gain: Gain) -> str:
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
