"""What `warm_start.py` compares: ways to come to a network, on two kinds of images, over seeds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from job_files import ArmJob

DataName = Literal["elpv", "jsrt"]
SEEDS = (0, 1, 2)
_DINOV2 = {"model.name": "vit_small_patch14_dinov2", "pretrain.precision": "bfloat16"}
# A step so short that no weight moves: the network is measured as it came, in the same way.
_FROZEN = {"pretrain.steps": 1, "pretrain.learning_rate": "1.0e-12", "pretrain.prior_weight": 0.0}


@dataclass(frozen=True)
class Arm:
    """One way to come to a network.

    Attributes:
        name: Short, for files and tables.
        about: For people.
        settings: What it changes of the line, by dotted key.
        data: The images it is tried on.
        seeds: Of the pretraining.
        warm: Whether it starts from the weights file.
    """

    name: str
    about: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    data: tuple[DataName, ...] = ("elpv", "jsrt")
    seeds: tuple[int, ...] = SEEDS
    warm: bool = True


Job = ArmJob[Arm]


def _sized(side_px: int) -> tuple[Arm, Arm]:
    size = {**_DINOV2, "input.side_px": side_px}
    return (
        Arm(
            f"frozen-{side_px}",
            f"DINOv2 as it comes, {side_px} px",
            {**size, **_FROZEN},
            seeds=(0,),
        ),
        Arm(f"continued-{side_px}", f"DINOv2 continued with SPAN, {side_px} px", size),
    )


def _control(name: str, about: str, **settings: Any) -> Arm:
    changed = {key.replace("__", "."): value for key, value in settings.items()}
    base = {**_DINOV2, "input.side_px": 112}
    return Arm(name, about, {**base, **changed}, ("elpv",), seeds=(0,))


ARMS: tuple[Arm, ...] = (
    *_sized(112),
    *_sized(224),
    Arm("scratch", "the small network from scratch, 112 px", {}, warm=False),
    _control("without-span", "continued, prior weight 0", pretrain__prior_weight=0.0),
    _control("same-light", "continued, views in their own light", pretrain__steady__light=0.0),
    _control(
        "late-blocks", "continued, the first 8 of 12 blocks frozen", pretrain__frozen_blocks=8
    ),
    _control("masked", "continued with the masked objective", pretrain__objective="masked"),
    _control("all-alike", "continued, all blocks at one rate", pretrain__layer_decay=1.0),
)


def jobs_of(arms: Iterable[Arm]) -> list[Job]:
    """Every job; what the main comparison needs comes first, seed by seed."""
    jobs = [Job(data, arm, seed) for arm in arms for data in arm.data for seed in arm.seeds]
    controls = {arm.name for arm in ARMS if len(arm.data) == 1}
    return sorted(jobs, key=lambda job: (job.arm.name in controls, job.seed))
