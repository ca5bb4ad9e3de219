"""Scores of finished jobs of `label_budget_study.py`, by line, arm and number of labels.

Letters: N networks, S draws of labels, P parts, T test images.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from budget_jobs import Arm, Job
from crossed_auroc import Array, auroc_estimate
from crossed_bootstrap import Estimate

from span_train.evaluate.metrics import scored_parts

Done = Mapping[str, Any]
Truth = npt.NDArray[np.bool_]


class LineScores:
    """What all arms made of one line's test parts.

    Args:
        name: Of the line.
        done: Finished jobs by name.
        jobs: All jobs.

    Raises:
        ValueError: Two jobs measured different images.
    """

    def __init__(self, name: str, done: Done, jobs: Sequence[Job]) -> None:
        self.name = name
        self._of_arm: dict[Arm, dict[int, Any]] = {}
        for job in jobs:
            if job.line == name and job.name in done:
                self._of_arm.setdefault(job.arm, {})[job.seed] = done[job.name]
        every = [one for of_seed in self._of_arm.values() for one in of_seed.values()]
        if len({tuple(one["images"]) for one in every}) > 1:
            raise ValueError(f"{name}: jobs measured different test images")
        self.first: Mapping[str, Any] = every[0] if every else {}

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those with a finished job, in the order of the study."""
        return tuple(self._of_arm)

    def jobs_of(self, arm: Arm) -> list[Any]:
        """The finished jobs of an arm."""
        return list(self._of_arm[arm].values())

    def auroc(self, arm: Arm, labels: int) -> Estimate | None:
        """Mean over networks and draws; None where there are no such scores."""
        if str(labels) not in self.jobs_of(arm)[0]["z"]:
            return None
        return auroc_estimate(self.scores(arm, labels), self.defective_p)

    def worth(self, arm: Arm, labels: int) -> Estimate | None:
        """AUROC with so many labels a class less that without any, by the same networks."""
        if any(str(budget) not in self.jobs_of(arm)[0]["z"] for budget in (0, labels)):
            return None
        return auroc_estimate(self.scores(arm, labels), self.defective_p, self.scores(arm, 0))

    def scores(self, arm: Arm, labels: int) -> Array:
        """(N, S, P) z of each part's worst image, of every network and draw of an arm."""
        runs = self._of_arm[arm]
        return self._scores(runs, list(runs), labels)

    def gain(self, arm: Arm, other: Arm, labels: int) -> Estimate | None:
        """AUROC of one arm less that of another, over the seeds that both have.

        An arm that has one seed by its nature stands beside every seed of the other.
        """
        own, others = self._of_arm[arm], self._of_arm[other]
        seeds = [seed for seed in own if seed in others]
        own_seeds = list(own) if len(other.seeds) == 1 else seeds
        other_seeds = seeds if len(other.seeds) > 1 else list(others)
        if not own_seeds or not other_seeds or str(labels) not in others[other_seeds[0]]["z"]:
            return None
        draws = min(arm.draws, other.draws)  # the first ones are the same for all
        return auroc_estimate(
            self._scores(own, own_seeds, labels)[:, :draws],
            self.defective_p,
            self._scores(others, other_seeds, labels)[:, :draws],
        )

    @property
    def defective_p(self) -> Truth:
        """(P,) truth, by physical part."""
        return self._parts(self.first["defective"])[1]

    def _scores(self, runs: Mapping[int, Any], seeds: Sequence[int], labels: int) -> Array:
        """(N, S, P) z of each part's worst image."""
        return np.array(
            [[self._parts(z_t)[0] for z_t in runs[seed]["z"][str(labels)]] for seed in seeds]
        )

    def _parts(self, z_t: Sequence[float]) -> tuple[Array, Truth]:
        defective, groups = self.first["defective"], self.first["groups"]
        parts = scored_parts(z_t, defective, ["recheck"] * len(z_t), None, groups)
        return parts.z_p, parts.defective_p
