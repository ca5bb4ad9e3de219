"""Put the finished jobs of `part_attention.py` on one page, each number with its interval."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

from crossed_bootstrap import Estimate, Runs, estimate
from found_jobs import Done, Found, heads_of, values_of
from markdown_table import table
from part_jobs import ALONE, BLURRED, PLAIN_DINO, REGISTRATION, SPAN, Arm, Job
from where_it_ran import in_words

PLACES = ("in_place", "moved")
_IN_PLACE_GOAL, _MOVED_GAIN_GOAL = 0.90, 0.10

_ABOUT = """\
# Do heads find the parts? {role} images of JSRT

Written by `benchmarks/part_attention.py` from the JSON files in [{folder}/]({folder}/), one a job;
{finished} of {jobs} jobs are finished. Every number is pixel average precision: the attention of
the averaged network on a whole X-ray, laid over the truth; mean over {images} images, then over
heart, left lung and right lung. Networks learnt from {learnt} other X-rays, without labels, and
from the masks of one exemplar. *Moved*: the same images, each shifted by up to 10 % of the side,
scaled by 0.85 to 1.15 and turned by up to 10 degrees, drawn once (`moved_images.py`, seed 0).

SPAN's heads are the assigned ones. Networks without SPAN have none: for each image and part the
head is read that is best on all the other images. Regions from statistics belong to no drawn part
either: their head and their template are chosen in the same way.

The images are split in `benchmarks/xray_jsrt_split.json`. The exemplars are three draws from the
sorted training images, made before any result was seen. Intervals are 95 %, by drawing exemplars,
seeds and images again (`crossed_bootstrap.py`); an interval of a difference that holds 0 shows
nothing.

To repeat it:

    {command}
    {command} --report

Where it ran:

{where}
"""

_CONTROLS = """\
## Controls

One exemplar, fewer steps, all else as in `span`; the reference is `span` at that length. *Against
the reference*: the difference of assigned heads (of the best ones, where none are assigned), seed
by seed. *Best head* is chosen on the other images, for every row. *In part* is the share of a
head's attention inside its part, in place.
"""

_LIMITS = """\
## What this does not show

One product, three parts, one collection of images. Three exemplars and three seeds are few:
intervals over them are rough. Minutes count for the machine at hand and whatever else ran on it;
the processor's minutes, summed over its cores, are steadier.
"""


def page(done: Done, jobs: Sequence[Job], folder: str, command: str) -> str:
    """The page.

    Args:
        done: The content of every finished job's JSON, by name.
        jobs: All jobs, finished or not.
        folder: Name of the folder beside the page that holds the JSON.
        command: What repeats the study.

    Raises:
        ValueError: Jobs were measured on different images.
    """
    contents = list(done.values())
    if len({tuple(one["images"]) for one in contents}) != 1:
        raise ValueError("jobs were measured on different images, so they cannot be compared")
    found = Found(done, jobs)
    about = _ABOUT.format(
        role=contents[0]["measured_on"].capitalize(),
        folder=folder,
        finished=len(done),
        jobs=len(jobs),
        images=len(contents[0]["images"]),
        learnt=contents[0]["learnt_from"],
        command=command,
        where=_where(contents),
    )
    sections = [about, _main(found)]
    if SPAN in found.arms:
        sections += [_goals(found), _gains(found), _by_part(found), _by_run(found)]
    if any(name.startswith("control-") for name in found.arms):
        sections += [_CONTROLS, _controls(found)]
    return "\n".join([*sections, _LIMITS])


def _where(contents: Sequence[Any]) -> str:
    """Machines, systems, versions, commits and times; what changed on the way is listed."""
    told = [in_words(one["where"]) for one in contents]
    machines, systems, versions, commits, times = (
        list(dict.fromkeys(kind)) for kind in zip(*told, strict=True)
    )
    lines = ["; then ".join(kind) for kind in (machines, systems, versions, commits)]
    return "\n".join(f"- {line}" for line in [*lines, f"{min(times)} to {max(times)}"])


def _main(found: Found) -> str:
    rows = []
    for name, arm in found.arms.items():
        if not name.startswith("control-"):
            heads = {heads_of(one) for one in found.of_arm[name].values()}
            read = "assigned" if heads == {"assigned"} else "best head"
            title = f"{arm.about}, {read}" if arm.predictor == "heads" else arm.about
            rows.append([title, *_both(found, name), *_cost(found, name)])
    reference = SPAN if SPAN in found.arms else next(iter(found.arms))
    for key, title in (("template", "the template itself"), ("oracle", "the truth on the grid")):
        rows.append([title, *_both(found, reference, key), "", "", ""])
    rows.append(["chance", *_both(found, reference, "chance"), "", "", ""])
    head = ["", "mAP in place", "mAP moved", "steps", "minutes", "runs"]
    return f"## In place and moved\n\n{table(head, rows)}"


def _both(found: Found, arm: str, key: str | None = None) -> list[str]:
    return [_with_interval(estimate(found.runs(arm, place, key))) for place in PLACES]


def _cost(found: Found, arm: str) -> list[str]:
    """Steps, minutes and number of runs."""
    runs = list(found.of_arm[arm].values())
    if "steps" not in runs[0]:
        return ["", "", str(len(runs))]
    steps = sorted({one["steps"] for one in runs})
    shown = str(steps[0]) if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    cpu = [one["cpu_minutes"] for one in runs if one["cpu_minutes"] is not None]
    minutes = f"{mean(one['minutes'] for one in runs):.1f}"
    return [shown, minutes + (f" ({mean(cpu):.1f} of processor)" if cpu else ""), str(len(runs))]


def _goals(found: Found) -> str:
    heads = estimate(found.runs(SPAN, "in_place"))
    gains = [estimate(found.above_template(SPAN, place)) for place in PLACES]
    longest = max(one["minutes"] for one in found.of_arm[SPAN].values())
    asked = [
        ("mAP of the heads in place", "at least 0.90", heads, heads.value >= _IN_PLACE_GOAL),
        ("gain over the template in place", "above 0", gains[0], gains[0].low > 0),
        (
            "gain over the template, moved",
            "at least 0.10",
            gains[1],
            gains[1].value >= _MOVED_GAIN_GOAL and gains[1].low > 0,
        ),
    ]
    rows = [
        [what, goal, _with_interval(value), "yes" if met else "**no**"]
        for what, goal, value, met in asked
    ]
    met = "yes" if longest <= 15 else "**no**"
    rows.append(["minutes of the longest run", "at most 15", f"{longest:.1f}", met])
    return f"## What was to be shown\n\n{table(['', 'goal', 'found', 'met'], rows)}"


def _gains(found: Found) -> str:
    rows = [["the template", *_gain(lambda place: estimate(found.above_template(SPAN, place)))]]
    for other in _baselines(found):
        rows.append([found.arms[other].about, *_gain(_against(found, other))])
    for other in (BLURRED, REGISTRATION):
        if found.above_own(SPAN, other, PLACES[0]):
            rows.append([found.arms[other].about, *_gain(_above_own(found, other))])
    return f"## What SPAN gains over\n\n{table(['', 'in place', 'moved'], rows)}"


def _against(found: Found, other: str) -> Callable[[str], Estimate]:
    """Runs of another arm share images with SPAN's, but neither exemplars nor seeds."""
    return lambda place: estimate(found.runs(SPAN, place), less=found.runs(other, place))


def _above_own(found: Found, other: str) -> Callable[[str], Estimate]:
    """A drawing's runs have an exemplar of their own to be held against, but no seeds."""
    return lambda place: estimate(found.above_own(SPAN, other, place))


def _gain(of_place: Callable[[str], Estimate]) -> list[str]:
    return [_with_interval(of_place(place), "+.3f") for place in PLACES]


def _by_part(found: Found) -> str:
    parts = ("heart", "left lung", "right lung")
    readings = [(SPAN, None, "SPAN"), (SPAN, "template", "template")]
    readings += [(other, None, found.arms[other].about) for other in _baselines(found)]
    rows = [
        [
            f"{part}, {title}",
            *(
                _with_interval(estimate(_column(found.runs(arm, place, key), number)))
                for place in PLACES
            ),
        ]
        for number, part in enumerate(parts)
        for arm, key, title in readings
    ]
    return f"## By part\n\n{table(['', 'in place', 'moved'], rows)}"


def _baselines(found: Found) -> list[str]:
    return [name for name in (ALONE, PLAIN_DINO) if name in found.arms]


def _column(runs: Runs, k: int) -> Runs:
    return {exemplar: [values[:, [k]] for values in of] for exemplar, of in runs.items()}


def _by_run(found: Found) -> str:
    rows = []
    for (exemplar, seed), one in sorted(found.of_arm[SPAN].items()):
        numbers = [
            f"{values_of(one, place, key).mean(axis=0).mean():.3f}"
            for place in PLACES
            for key in (None, "template")
        ]
        rows.append([f"{exemplar}, seed {seed}", *numbers, f"{one['minutes']:.1f}"])
    head = ["", "heads in place", "template in place", "heads moved", "template moved", "minutes"]
    return f"## Every run of SPAN\n\n{table(head, rows)}"


def _controls(found: Found) -> str:
    rows = []
    for name, arm in found.arms.items():
        if name.startswith("control-"):
            row = [arm.about, *_both(found, name)]
            row += _against_reference(found, arm)
            row.append(_with_interval(estimate(found.runs(name, "in_place", "best"))))
            row.append(f"{estimate(found.runs(name, 'in_place', 'mass')).value:.2f}")
            rows.append(row)
    against = [f"against the reference, {place.replace('_', ' ')}" for place in PLACES]
    head = ["", "mAP in place", "mAP moved", *against, "best head, in place", "in part"]
    return table(head, rows)


def _against_reference(found: Found, arm: Arm) -> list[str]:
    if arm.control_of is None or arm.control_of not in found.arms:
        return ["", ""]
    shown = []
    for place in PLACES:
        runs = found.difference(arm.name, arm.control_of, place)
        shown.append(_with_interval(estimate(runs), "+.3f") if runs else "")
    return shown


def _with_interval(found: Estimate, form: str = ".3f") -> str:
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"
