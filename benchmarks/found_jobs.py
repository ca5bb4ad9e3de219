"""Finished jobs of `part_attention.py` by arm, exemplar and seed, and the values they measured.

Letters: I images, K parts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from crossed_bootstrap import Runs, Values
from part_jobs import Job

Done = Mapping[str, Any]


class Found:
    """Finished jobs by arm, exemplar and seed."""

    def __init__(self, done: Done, jobs: Sequence[Job]) -> None:
        self.of_arm: dict[str, dict[tuple[str, int], Any]] = {}
        for job in jobs:
            if job.name in done:
                runs = self.of_arm.setdefault(job.arm.name, {})
                runs[job.exemplar, job.seed] = done[job.name]
        self.arms = {job.arm.name: job.arm for job in jobs if job.arm.name in self.of_arm}

    def runs(self, arm: str, place: str, key: str | None = None) -> Runs:
        """The values of an arm's runs; of the assigned heads or, without, of the best ones."""
        return _nested(self.of_arm[arm], lambda one: values_of(one, place, key))

    def difference(self, arm: str, other: str, place: str) -> Runs:
        """Run by run, over the exemplars and seeds that both have."""
        others = self.of_arm[other]
        both = {key: (one, others[key]) for key, one in self.of_arm[arm].items() if key in others}
        return _nested(both, lambda two: values_of(two[0], place) - values_of(two[1], place))

    def above_own(self, arm: str, other: str, place: str) -> Runs:
        """Run by run, over the other arm's run of the same exemplar, whatever its seed."""
        others = self.of_arm.get(other, {})
        of_exemplar = {exemplar: one for (exemplar, _), one in others.items()}
        both = {
            key: (one, of_exemplar[key[0]])
            for key, one in self.of_arm[arm].items()
            if key[0] in of_exemplar
        }
        return _nested(both, lambda two: values_of(two[0], place) - values_of(two[1], place))

    def above_template(self, arm: str, place: str) -> Runs:
        """What an arm's runs gain over the template of their own exemplar."""
        return _nested(
            self.of_arm[arm], lambda one: values_of(one, place) - values_of(one, place, "template")
        )


def _nested(runs: Mapping[tuple[str, int], Any], read: Callable[[Any], Values]) -> Runs:
    nested: dict[str, list[Values]] = {}
    for (exemplar, _), one in runs.items():
        nested.setdefault(exemplar, []).append(read(one))
    return nested


def values_of(content: Any, place: str, key: str | None = None) -> Values:
    """(I, K); NaN where an image lacks a part."""
    by_part = content[place][key or heads_of(content)]
    return np.array(list(by_part.values()), dtype=np.float64).T


def heads_of(content: Any) -> str:
    """Which heads are read: the assigned ones where there are any."""
    return "assigned" if "assigned" in content["in_place"] else "best"
