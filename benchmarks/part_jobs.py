"""Which trainings the study of part attention consists of, by name; every number that defines one.

An *arm* is one way of training; its *jobs* repeat it over exemplars and seeds.
"""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Prior = Literal["as drawn", "shifted", "shuffled", "not cropped along"]
Predictor = Literal["heads", "registration", "blurred template"]
SEEDS = (0, 1, 2)
FULL_STEPS: int | None = None  # the product's own number
DINO_MINUTES = 15.0  # plain DINO gets all the time that anything may take here
CONTROL_STEPS = 200


@dataclass(frozen=True)
class Arm:
    """One way of training.

    Attributes:
        name: In file names and tables.
        about: In the table, for a reader.
        settings: Over the product's defaults, `section.key` to value.
        prior: What is done to the priors before the loss sees them; see `altered_priors.py`.
        predictor: `registration` trains nothing: the exemplar's masks are carried over to each
            test image, as they are to training images where the layout is refined.
            `blurred template` trains nothing either: the masks stay where they are.
        exemplars: How many of the split's exemplars.
        seeds: Of weights, order and views.
        steps: None is the product's default, unless `minutes` are given.
        minutes: Time to spend; the first steps are timed, as `--budget` does.
        control_of: The arm that this one differs from in one thing.
    """

    name: str
    about: str
    settings: dict[str, Any] = field(default_factory=dict)
    prior: Prior = "as drawn"
    predictor: Predictor = "heads"
    exemplars: int = 1
    seeds: tuple[int, ...] = SEEDS
    steps: int | None = FULL_STEPS
    minutes: float | None = None
    control_of: str | None = None


@dataclass(frozen=True)
class Job:
    """One training of an arm; JSON-able by `described`."""

    arm: Arm
    exemplar: str
    seed: int

    @property
    def name(self) -> str:
        """Of its JSON and its run folder."""
        return f"{self.arm.name}.{self.exemplar}.seed-{self.seed}"

    @property
    def about(self) -> str:
        """What it does, for a list."""
        return self.arm.about

    def described(self) -> dict[str, Any]:
        """Everything that defines it, for its JSON."""
        arm = asdict(self.arm)
        for key in ("exemplars", "seeds", "about"):
            del arm[key]
        return {"name": self.name, "exemplar": self.exemplar, "seed": self.seed, "arm": arm}


def _control(name: str, about: str, prior: Prior = "as drawn", **settings: Any) -> Arm:
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    return Arm(
        f"control-{name}",
        about,
        dotted,
        prior,
        steps=CONTROL_STEPS,
        control_of=None if name == "reference" else "control-reference",
    )


SPAN, ALONE, PLAIN_DINO = "span", "masked-alone", "dino-alone"
REGISTRATION, BLURRED = "registration", "blurred-template"
ARMS = (
    Arm(SPAN, "SPAN, default settings", exemplars=3),
    Arm(ALONE, "`masked` without SPAN", {"pretrain.prior_weight": 0.0}),
    Arm(
        PLAIN_DINO,
        "plain `dino`",
        {"pretrain.objective": "dino", "pretrain.prior_weight": 0.0},
        minutes=DINO_MINUTES,
    ),
    Arm("dino-span", "`dino` with SPAN", {"pretrain.objective": "dino"}, minutes=DINO_MINUTES),
    Arm(
        REGISTRATION,
        "no network: the exemplar's masks carried over",
        predictor="registration",
        exemplars=3,
        seeds=(0,),
    ),
    Arm(
        BLURRED,
        "no network: the exemplar's masks, blurred",
        predictor="blurred template",
        exemplars=3,
        seeds=(0,),
    ),
    _control("reference", "as `span`, fewer steps"),
    _control("shifted", "priors shifted by a quarter image", "shifted"),
    _control("shuffled", "priors shuffled between heads, image by image", "shuffled"),
    _control("uncropped", "priors not cropped along", "not cropped along"),
    _control("unrefined", "parts not carried over to each image", layout__refine="none"),
    _control(
        "mild-views",
        "views never beyond the border, turned by up to 3 degrees",
        pretrain__views__max_area=1.0,
        pretrain__views__max_rotation_deg=3.0,
    ),
    _control("focus", "`focus` instead of `coverage`", pretrain__prior_loss="focus"),
    _control("sum-mse", "`sum_mse` instead of `coverage`", pretrain__prior_loss="sum_mse"),
    _control("cosine", "`cosine` instead of `coverage`", pretrain__prior_loss="cosine"),
    _control(
        "statistics",
        "regions from statistics instead of an exemplar",
        layout__source="statistics",
        layout__parts=4,
    ),
)


def jobs_of(arms: Iterable[Arm], exemplars: Sequence[str]) -> list[Job]:
    """All jobs, the first seed of every arm before the second, so that each arm is seen early.

    Args:
        arms: The ways of training.
        exemplars: The split's exemplars; an arm takes the first few.

    Raises:
        ValueError: An arm wants more exemplars than there are, or two have one name.
    """
    chosen = list(arms)
    if len({arm.name for arm in chosen}) != len(chosen):
        raise ValueError("two arms have one name")
    if any(arm.exemplars > len(exemplars) for arm in chosen):
        raise ValueError(f"an arm wants more than the {len(exemplars)} exemplars of the split")
    jobs = [
        (place, number, Job(arm, exemplar, seed))
        for number, arm in enumerate(chosen)
        for place, seed in enumerate(arm.seeds)
        for exemplar in exemplars[: arm.exemplars]
    ]
    return [job for _, _, job in sorted(jobs, key=lambda one: one[:2])]


def matching(jobs: Iterable[Job], patterns: Sequence[str]) -> list[Job]:
    """The jobs whose name, or whose arm's name, fits any of the patterns; all without patterns."""
    return [
        job
        for job in jobs
        if not patterns
        or any(
            fnmatch.fnmatchcase(name, pattern)
            for pattern in patterns
            for name in (job.name, job.arm.name)
        )
    ]
