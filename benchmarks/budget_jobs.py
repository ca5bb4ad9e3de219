"""What `label_budget_study.py` compares: ways to come to a score, on several lines, over seeds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

LineName = Literal["mono", "all", "casting", "metal_nut"]
CELLS: tuple[LineName, ...] = ("mono", "all")
Fit = Literal["head", "supervised"]
LABELS, DRAWS = (5, 10, 20, 80), 5
SPAN, ALONE, DINO = "span", "without-span", "dino"
SUPERVISED, UNTRAINED, FROZEN, CONTINUED = "supervised", "untrained", "dinov2", "continued"
# A step so short that no weight moves: the network is measured as it came, in the same way.
_UNMOVED = {
    "pretrain.steps": 1,
    "pretrain.learning_rate": "1.0e-12",
    "pretrain.prior_weight": 0.0,
    "layout.refine": "none",
}


@dataclass(frozen=True)
class Arm:
    """One way to come to a score.

    Attributes:
        name: Short, for files.
        about: In tables, for a reader.
        settings: What it changes of the line, by dotted key.
        lines: Where it is tried.
        seeds: Of the pretraining.
        draws: Of labels; an arm that learns anew for each draw has fewer.
        fit: The product's head on frozen features, or the whole network taught by labels alone.
        warm: Whether it starts from a weights file.
        network_of: The arm whose pretrained network it takes; by default its own.
        own_block: Whether the head takes the block that ranks the labelled training images best,
            all of them; by default the product's.
    """

    name: str
    about: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    lines: tuple[LineName, ...] = (*CELLS, "casting", "metal_nut")
    seeds: tuple[int, ...] = (0, 1, 2)
    draws: int = DRAWS
    fit: Fit = "head"
    warm: bool = False
    network_of: str | None = None
    own_block: bool = False


@dataclass(frozen=True)
class Job:
    """One arm, on one line, from one seed."""

    line: LineName
    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Of its JSON and its run."""
        return f"{self.line}.{self.arm.name}.{self.seed}"

    @property
    def network(self) -> str:
        """Of the pretraining run it stands on."""
        return f"{self.line}.{self.arm.network_of or self.arm.name}.{self.seed}"

    @property
    def about(self) -> str:
        """What it does, for a list."""
        return self.arm.about


# Steps for about the time of SPAN's 400, by docs/results/pretrain_speed.md: a step without SPAN
# takes 6 % less, and one of dino as long as four to five. Every job tells its processor time.
_ALONE = {"pretrain.prior_weight": 0.0, "pretrain.steps": 425, "layout.refine": "none"}
ARMS: tuple[Arm, ...] = (
    Arm(SPAN, "SPAN: the product's defaults"),
    Arm(
        ALONE,
        "the same objective without SPAN",
        _ALONE,
    ),
    Arm(
        f"{ALONE}-own-block",
        "without SPAN, at its own best block",
        _ALONE,
        network_of=ALONE,
        own_block=True,
    ),
    Arm(
        DINO,
        "plain `dino`",
        {
            "pretrain.objective": "dino",
            "pretrain.prior_weight": 0.0,
            "pretrain.steps": 90,
            "layout.refine": "none",
        },
    ),
    Arm(UNTRAINED, "untrained features", _UNMOVED),
    Arm(SUPERVISED, "from scratch, labels alone", seeds=(0,), draws=2, fit="supervised"),
    Arm(
        FROZEN,
        "DINOv2 ViT-S/14 as it comes, 224 px",
        {
            **_UNMOVED,
            "model.name": "vit_small_patch14_dinov2",
            "input.side_px": 224,
            "pretrain.precision": "float32",
        },
        CELLS,
        seeds=(0,),
        warm=True,
    ),
    Arm(
        CONTINUED,
        "DINOv2 ViT-S/14 continued with SPAN, 112 px",
        {"model.name": "vit_small_patch14_dinov2", "pretrain.precision": "bfloat16"},
        CELLS,
        seeds=(0,),
        warm=True,
    ),
)


def jobs_of(arms: Iterable[Arm]) -> list[Job]:
    """Every job: the first seed of all arms on each line in turn, then the second."""
    chosen = list(arms)
    lines = dict.fromkeys(line for arm in chosen for line in arm.lines)
    seeds = sorted({seed for arm in chosen for seed in arm.seeds})
    return [
        Job(line, arm, seed)
        for seed in seeds
        for line in lines
        for arm in chosen
        if line in arm.lines and seed in arm.seeds
    ]
