"""What `dino_search.py` tries: settings of self-distillation, on three kinds of parts."""

from dataclasses import dataclass, field
from typing import Any, Literal

from job_files import ArmJob

DataName = Literal["jsrt", "elpv", "casting"]
DATA_NAMES: tuple[DataName, ...] = ("jsrt", "elpv", "casting")
SIDE_PX, STEPS = 64, 200
COMPARED = 128  # images that a network is to tell apart
_SEEDS = (0, 1, 2)
_DINO = {"pretrain.objective": "dino"}


@dataclass(frozen=True)
class Arm:
    """Settings to try.

    Attributes:
        name: Short, for files and tables.
        about: For people.
        changes: Over the product's defaults, by dotted key.
        everywhere: On all data and from all seeds; else on X-rays and cells from one seed.
    """

    name: str
    about: str
    changes: dict[str, Any] = field(hash=False)
    everywhere: bool = False


@dataclass(frozen=True)
class Job(ArmJob[Arm]):
    """One training."""

    def settings(self) -> dict[str, Any]:
        """What it changes of a line, by dotted key."""
        small = {"input.side_px": SIDE_PX, "pretrain.steps": STEPS, "pretrain.seed": self.seed}
        return {**small, **self.arm.changes}

    def described(self) -> dict[str, Any]:
        """Everything that defines it, for its JSON."""
        return {"data": self.data, "arm": self.arm.name, "about": self.about, **self.settings()}


def _dino(name: str, about: str, **settings: Any) -> Arm:
    changed = {f"pretrain.{key.replace('__', '.')}": value for key, value in settings.items()}
    return Arm(name, about, {**_DINO, **changed})


ARMS = (
    Arm("masked", "`masked`, the product's defaults", {}),
    Arm("published", "`dino` as published: centred, momentum 0.9", _DINO, everywhere=True),
    _dino("slower", "the same, learning rate 5e-4", learning_rate=5e-4),
    _dino("last-batch", "centred on the last batch", dino__centre_momentum=0.0),
    _dino(
        "last-batch-spread",
        "centred on the last batch, KoLeo 1",
        dino__centre_momentum=0.0,
        feature_spread=1.0,
    ),
)


def jobs_of() -> list[Job]:
    """Every job, seed by seed."""
    return [
        Job(data, arm, seed)
        for seed in _SEEDS
        for data in DATA_NAMES
        for arm in ARMS
        if arm.everywhere or (data != "casting" and seed == 0)
    ]
