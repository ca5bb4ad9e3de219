"""Count how often a line breaks what `inspect calibrate` promised, where the truth is known.

    python benchmarks/promised_bounds.py [--lines 2000] [--out docs/results/promised_bounds.md]

Draws lines whose scores follow known laws, calibrates each through the function that
`inspect calibrate` uses, and computes the true escape and overkill rate at the thresholds it chose.
A promise of 95 % may be broken on 5 % of the lines. The last rows are a control that must fail: it
promises the rates counted on the calibration parts, without a bound.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from markdown_table import table
from scipy import stats
from where_it_ran import in_words, where_it_ran

from span_train.policy.costs import Costs
from span_train.policy.policy import Goal
from span_train.policy.recalibrate import ImageScores, Wish, calibrated

ALLOWED, LEVEL = 0.05, 0.001
GOALS, CONFIDENCE = (0.02, 0.05, 0.1, 0.2), 0.95
_NODES = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True)
class Law:
    """How the images of one class score.

    A part has one to three images; each scores ``centre + spread * u + wobble * e``, u one standard
    normal a part and e one an image; a share of the parts is `subtle`: centred elsewhere. A `step`
    above 0 rounds the scores, so that many are equal.
    """

    centre: float
    spread: float
    wobble: float
    subtle: float
    subtle_centre: float
    views: int
    step: float

    def draw(self, parts: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
        """(parts, views) scores."""
        subtle = random.random(parts) < self.subtle
        centre = np.where(subtle, self.subtle_centre, self.centre)
        centre = centre + self.spread * random.standard_normal(parts)
        noise = self.wobble * random.standard_normal((parts, self.views))
        z = centre[:, None] + noise
        return z if self.step == 0 else np.round(z / self.step) * self.step

    def share_below(self, threshold: float) -> float:
        """The true share of parts whose worst image scores below a threshold."""
        if self.step:
            threshold = (math.ceil(threshold / self.step) - 0.5) * self.step
        nodes, weights = _NODES
        shares = [
            weights
            @ stats.norm.cdf((threshold - centre - self.spread * nodes) / self.wobble) ** self.views
            / weights.sum()
            for centre in (self.centre, self.subtle_centre)
        ]
        return float((1 - self.subtle) * shares[0] + self.subtle * shares[1])


@dataclass(frozen=True)
class Line:
    """A line with known laws, its calibration set, and what it wants to promise."""

    good: Law
    defective: Law
    scores: ImageScores
    goals: Goal
    costs: Costs
    defect_rate: float


@dataclass(frozen=True)
class Tally:
    """Of some lines: how many promised, and how many of these break the promise.

    Attributes:
        promised, broken: By `escape`, `overkill` and, of lines that promise both, `either`.
    """

    name: str
    promised: dict[str, int]
    broken: dict[str, int]

    def p_value(self, kind: str) -> float:
        """Of the one-sided binomial test that the promise is broken on more than 5 %."""
        found = stats.binomtest(self.broken[kind], self.promised[kind], ALLOWED, "greater")
        return float(found.pvalue)

    def kept(self) -> bool:
        """Whether no kind of promise is broken more often than allowed."""
        return all(self.p_value(kind) > LEVEL for kind in self.promised if self.promised[kind])


def draw_line(random: np.random.Generator) -> Line:
    """A line with drawn laws, sizes and goals."""
    views, step = int(random.integers(1, 4)), float(random.choice([0.0, 0.0, 0.25]))
    good, defective = (
        Law(
            centre=centre,
            spread=random.uniform(0.5, 1.5),
            wobble=random.uniform(0.2, 1.0),
            subtle=random.uniform(0.0, 0.3),
            subtle_centre=random.uniform(-1.0, 1.0),
            views=views,
            step=step,
        )
        for centre in (-2.0, random.uniform(0.5, 3.0))
    )
    goods, defects = int(random.integers(40, 600)), int(random.integers(40, 600))
    z = np.concatenate([good.draw(goods, random), defective.draw(defects, random)])
    truth = np.repeat(np.arange(goods + defects) >= goods, views)
    part = tuple(str(number) for number in np.repeat(np.arange(goods + defects), views))
    scores = ImageScores(z.reshape(-1), np.zeros(z.size), truth, part)
    goals = Goal(
        escape=float(random.choice(GOALS)),
        overkill=float(random.choice(GOALS)),
        confidence=CONFIDENCE,
    )
    costs = Costs(
        escape=float(10 ** random.uniform(0, 3)),
        overkill=float(10 ** random.uniform(-1, 1)),
        recheck=float(10 ** random.uniform(-2, 0)),
    )
    return Line(good, defective, scores, goals, costs, float(10 ** random.uniform(-3, -0.5)))


def promises(line: Line, with_costs: bool) -> dict[str, tuple[float, float]]:
    """By kind: what calibrate promised, and what is true; a kind not promised is left out."""
    wish = Wish(line.goals, line.defect_rate, line.costs if with_costs else None)
    policy, _ = calibrated(line.scores, wish)
    return {
        claim.kind: (claim.goal, _true_rate(line, claim.kind, policy.t_pass, policy.t_fail))
        for claim in policy.claims
        if claim.shown
    }


def careless(line: Line) -> dict[str, tuple[float, float]]:
    """The control: thresholds at which the counted rates just meet the goals, without a bound."""
    parts, goals = line.scores.by_part(), line.goals
    t_pass = float(np.quantile(parts.defective, goals.escape))
    t_fail = float(np.quantile(parts.good, 1 - goals.overkill))
    return {
        "escape": (goals.escape, _true_rate(line, "escape", t_pass, t_fail)),
        "overkill": (goals.overkill, _true_rate(line, "overkill", t_pass, t_fail)),
    }


def tally(name: str, lines: Sequence[dict[str, tuple[float, float]]]) -> Tally:
    """Count promises and broken ones."""
    broken = [{kind: true > bound for kind, (bound, true) in line.items()} for line in lines]
    kinds = ("escape", "overkill")
    both = [line for line in broken if len(line) == 2]
    return Tally(
        name,
        {kind: sum(kind in line for line in broken) for kind in kinds} | {"either": len(both)},
        {kind: sum(line.get(kind, False) for line in broken) for kind in kinds}
        | {"either": sum(any(line.values()) for line in both)},
    )


def simulate(lines: int, seed: int) -> tuple[Tally, Tally, Tally]:
    """Tallies of goals alone, of costs within the goals, and of the control."""
    random = np.random.default_rng(seed)
    drawn = [draw_line(random) for _ in range(lines)]
    return (
        tally("goals", [promises(line, with_costs=False) for line in drawn]),
        tally("costs within the goals", [promises(line, with_costs=True) for line in drawn]),
        tally("control: counted rates, no bound", [careless(line) for line in drawn]),
    )


def page(tallies: Sequence[Tally], lines: int, seed: int) -> str:
    """The results as Markdown."""
    rows = [
        [
            one.name,
            kind,
            str(one.promised[kind]),
            str(one.broken[kind]),
            f"{one.broken[kind] / max(one.promised[kind], 1):.1%}",
            f"{one.p_value(kind):.2g}",
        ]
        for one in tallies
        for kind in one.promised
    ]
    header = ["thresholds by", "promise about", "lines that promise", "broken", "share", "p"]
    return _PAGE.format(
        lines=lines,
        seed=seed,
        table=table(header, rows),
        verdict="\n".join(
            f"- {one.name}: {'kept' if one.kept() else 'NOT kept'}" for one in tallies
        ),
        where="\n".join(f"    {line}" for line in in_words(where_it_ran())),
    )


def _true_rate(line: Line, kind: str, t_pass: float | None, t_fail: float | None) -> float:
    if kind == "escape":
        return 0.0 if t_pass is None else line.defective.share_below(t_pass)
    return 0.0 if t_fail is None else 1 - line.good.share_below(t_fail)


_PAGE = """\
# Are the promised bounds kept?

    python benchmarks/promised_bounds.py --lines {lines} --seed {seed}

{lines} drawn lines with known truth, each calibrated through the function behind
`inspect calibrate`: 40 to 599 good and as many defective parts, one to three images a part, a share
of subtle parts, a third of the lines with rounded scores; goals of 2, 5, 10 or 20 %, joint
confidence 95 %. A promise counts as broken when the true rate, from the drawn law, lies above the
promised one. `p` is that of the one-sided binomial test against 5 %; the promise counts as kept
where it is above 0.1 %. Each single claim carries 97.5 %, so it should be broken on at most 2.5 %.
Lines whose labels cannot show a goal promise nothing about it, and are not counted.

{table}

{verdict}

The control shows that the test can tell: it promises the rate that was counted on the calibration
parts, as if that were the truth.

{where}
"""


def main() -> int:
    """Run the simulation; 4 where a promise is not kept."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--lines", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, default=Path("docs/results/promised_bounds.md"))
    chosen = arguments.parse_args()
    tallies = simulate(chosen.lines, chosen.seed)
    text = page(tallies, chosen.lines, chosen.seed)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0 if all(one.kept() for one in tallies[:2]) else 4


if __name__ == "__main__":
    sys.exit(main())
