"""Put the finished jobs of `label_budget_study.py` on a page that tells what they show."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from budget_jobs import CONTINUED, DRAWS, LABELS, SPAN, Arm, Job
from budget_scores import Done, LineScores
from crossed_bootstrap import Estimate
from markdown_table import table
from where_it_ran import in_words

_BUDGETS = (0, *LABELS)
_LINES = {
    "mono": "Monocrystalline cells: the demo's own test split",
    "all": "All cells, monocrystalline and polycrystalline",
    "casting": "Castings",
    "metal_nut": "Metal nuts, aligned",
}
_REMARKS = {
    "all": (
        "Parts are drawn on a monocrystalline cell. Polycrystalline ones have grains that lie "
        "anywhere, so that little is usual at a place, and parts have little to tell: the likely "
        "reason why SPAN is not ahead here, why labels alone come as far, and why a natural-image "
        "network, read at a later block, is far ahead of all of these. A plant would make two "
        "lines of this."
    ),
    "casting": (
        "**These scores are optimistic**: the data were published already augmented, so that one "
        "casting appears several times, turned, flipped or zoomed, also across training and test. "
        "They compare rows, and promise nothing."
    ),
    "metal_nut": (
        "Half of each class is the test split. Nuts lie turned by tens of degrees and are brought "
        "to a reference first (`input.align: ecc`). With so few defects most differences stay open."
    ),
}
# What the small network and a continued natural-image one were meant to reach on `mono`.
_AIMS = {
    SPAN: {0: 0.94, 5: 0.94, 20: 0.95, 80: 0.96},
    CONTINUED: {0: 0.96, 5: 0.96, 20: 0.97, 80: 0.98},
}
_NONE = "–"

_ABOUT = """\
# What few labels are worth, and what SPAN adds

Written by `benchmarks/label_budget_study.py` from the JSON files in [{folder}/]({folder}/), one a
job; {finished} of {jobs} jobs are finished.

Each row is a way to come to a score. All but one train a network without labels (or not at all),
take the statistics of the defect head from the unlabelled images, and weigh that head on so many
labels a class; with 0 labels the score is the outlier score alone. *From scratch, labels alone* is
the same network taught by the labels from random weights, with the same views ({supervised}).
Labels are drawn {draws} times from the cells that take part in neither calibration nor test, the
same draws for every row ({few}); a larger draw holds the smaller.
The head reads the product's own block (1; two thirds up for a natural-image network), which was
chosen with a SPAN network on unlabelled cells (`head_choices.md`). A row *at its own best block*
takes the block that ranks all labelled training images best: more labels than any budget has, in
favour of that row.
The steps of the other pretrained networks were set beforehand for about the processor time of
SPAN's {steps}; the minutes that each really took are below, and a row with fewer was at a
disadvantage.

AUROC of defective (grade 1) against good (grade 0) test cells, by physical part (cells that look
alike count once, by the worst image). Intervals, 95 %: test parts, draws of labels and pretrained
networks are drawn again. Nothing was chosen by test images.

To repeat it:

    python benchmarks/dinov2_weights.py --out WEIGHTS
    python benchmarks/label_budget_study.py --weights WEIGHTS
    python benchmarks/label_budget_study.py --report

Where it ran:

{where}
"""

_LIMITS = """\
## What this does not show

- One split of each collection. Cells with a grade between 0 and 1 are left out of the test, so
  numbers are those of the clear cases.
- {networks}. Where a row has one network, the interval of its difference says nothing about other
  seeds of the pretraining ([demo.md](demo.md) has three seeds with and without SPAN, at 0 and 20
  labels).
- Labels are drawn from {pool} good
  and defective images: where a budget takes most of a class, draws overlap, and their spread is too
  small.
- Rows were measured on a machine that did other work; wall time is not compared, processor time is.
"""


def page(done: Done, jobs: Sequence[Job], folder: str) -> str:
    """The page as Markdown."""
    lines = [LineScores(name, done, jobs) for name in _LINES]
    shown = [line for line in lines if line.arms]
    about = _ABOUT.format(
        folder=folder,
        finished=len(done),
        jobs=len(jobs),
        draws=DRAWS,
        few=_few_draws(jobs),
        steps=_steps_of_span(shown),
        supervised=_taught(shown),
        where=_where(done),
    )
    parts = [about, *(_of_line(line) for line in shown)]
    limits = _LIMITS.format(networks=_networks(shown), pool=_pool(shown))
    return "\n".join([*parts, limits])


def _of_line(line: LineScores) -> str:
    first = line.first
    good = int((~line.defective_p).sum())
    counts = (
        f"{good} good and {int(line.defective_p.sum())} defective test parts "
        f"({len(first['images'])} images); {first['learnt_from']} images to learn from."
    )
    remark = [_REMARKS[line.name]] if line.name in _REMARKS else []
    pieces = [f"## {_LINES[line.name]}", *remark, counts, _scores(line), _worth(line), _gains(line)]
    pieces += [_aims(line)] if line.name == "mono" else []
    return "\n\n".join(piece.rstrip() for piece in [*pieces, _costs(line)]) + "\n"


def _scores(line: LineScores) -> str:
    rows = [
        [arm.about, *(_interval(line.auroc(arm, labels), "{:.3f}") for labels in _BUDGETS)]
        for arm in line.arms
    ]
    return table(["AUROC, by labels a class", *map(str, _BUDGETS)], rows)


def _worth(line: LineScores) -> str:
    """What labels add to the outlier score of the same networks, on the same parts."""
    rows = []
    for arm in line.arms:
        found = [line.worth(arm, labels) for labels in LABELS]
        if any(one is not None for one in found):
            rows.append([arm.about, *(_interval(one, "{:+.3f}") for one in found)])
    return table(["labels less no labels", *map(str, LABELS)], rows)


def _gains(line: LineScores) -> str:
    span = _arm(line, SPAN)
    others = [arm for arm in line.arms if arm is not span]
    if span is None or not others:
        return "SPAN is not yet compared with anything here."
    gains = {arm: {n: line.gain(span, arm, n) for n in _BUDGETS} for arm in others}
    rows = [
        [f"SPAN less: {arm.about}", *(_interval(one, "{:+.3f}") for one in of_arm.values())]
        for arm, of_arm in gains.items()
    ]
    told = "\n".join(f"- {arm.about}: {_shown(of_arm)}" for arm, of_arm in gains.items())
    head = ["difference on the same parts and labels", *map(str, _BUDGETS)]
    return f"{table(head, rows)}\nSPAN beside\n\n{told}"


def _shown(gains: Mapping[int, Estimate | None]) -> str:
    """In words, where SPAN is ahead, behind, and where the interval leaves it open."""
    kinds: dict[str, list[str]] = {"ahead": [], "behind": [], "open": []}
    for labels, gain in gains.items():
        if gain is not None:
            sure = gain.low > 0 or gain.high < 0
            kind = ("ahead" if gain.value > 0 else "behind") if sure else "open"
            kinds[kind].append(str(labels))
    words = {
        "ahead": "ahead, the interval without 0, at {} labels a class",
        "behind": "behind, the interval without 0, at {}",
        "open": "not shown either way at {}",
    }
    return (
        "; ".join(words[kind].format(", ".join(found)) for kind, found in kinds.items() if found)
        + "."
    )


def _aims(line: LineScores) -> str:
    rows = []
    for arm in line.arms:
        for labels, aim in _AIMS.get(arm.name, {}).items():
            found = line.auroc(arm, labels)
            assert found is not None, "every arm with an aim has a score without labels too"
            met = "reached" if found.value >= aim else f"{aim - found.value:.3f} short"
            rows.append([arm.about, str(labels), f"{aim:.2f}", f"{found.value:.3f}", met])
    return "What was aimed at:\n\n" + table(["", "labels a class", "aim", "found", ""], rows)


def _costs(line: LineScores) -> str:
    rows = []
    for arm in line.arms:
        jobs = line.jobs_of(arm)
        trained = [job for job in jobs if job.get("steps", 0) > 1]
        steps = str(trained[0]["steps"]) if trained else _NONE
        minutes = f"{mean(job['cpu_minutes'] for job in trained):.1f}" if trained else _NONE
        blocks = sorted({str(block) for job in jobs for block in job.get("blocks", [])})
        rows.append([arm.about, ", ".join(blocks) or _NONE, str(len(jobs)), steps, minutes])
    head = ["", "block", "networks", "steps of pretraining", "processor minutes"]
    return table(head, rows)


def _interval(found: Estimate | None, form: str) -> str:
    if found is None:
        return _NONE
    return f"{form} [{form}, {form}]".format(found.value, found.low, found.high)


def _arm(line: LineScores, name: str) -> Arm | None:
    return next((arm for arm in line.arms if arm.name == name), None)


def _steps_of_span(lines: Sequence[LineScores]) -> str:
    jobs = [job for line in lines if (arm := _arm(line, SPAN)) for job in line.jobs_of(arm)]
    return str(jobs[0]["steps"]) if jobs else "default"


def _taught(lines: Sequence[LineScores]) -> str:
    jobs = [job for line in lines for arm in line.arms for job in line.jobs_of(arm)]
    losses = [loss for job in jobs for some in job.get("last_loss", {}).values() for loss in some]
    if not losses:
        return "not run yet"
    return f"its loss over the last steps is {min(losses):.3f} to {max(losses):.3f}"


def _few_draws(jobs: Sequence[Job]) -> str:
    arms = dict.fromkeys(job.arm for job in jobs if job.arm.draws < DRAWS)
    return "; ".join(f"the first {arm.draws} for *{arm.about}*" for arm in arms)


def _networks(lines: Sequence[LineScores]) -> str:
    counts = sorted({len(line.jobs_of(arm)) for line in lines for arm in line.arms})
    return f"{' or '.join(map(str, counts))} network{'s' if counts != [1] else ''} a row"


def _pool(lines: Sequence[LineScores]) -> str:
    return " and ".join(
        f"{line.first['labels_to_draw'][0]} + {line.first['labels_to_draw'][1]} (`{line.name}`)"
        for line in lines
    )


def _where(done: Done) -> str:
    """The machine and versions of the first job, and the commits and days of all."""
    wheres: list[dict[str, Any]] = sorted(
        (one["where"] for one in done.values()), key=lambda where: str(where["created"])
    )
    return "\n".join(f"    {line}" for line in in_words(wheres[0]))
