"""Turn a defect logit z into pass, recheck or fail, and say what is promised about it.

The policy decides, not the network (DESIGN.md, section 7). This file needs no torch and no scipy:
the line, the station and training all read verdicts from here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from span_train.contract.errors import InputError
from span_train.policy.gate import Gate, Readings

VerdictName = Literal["pass", "recheck", "fail"]
VERDICTS: tuple[VerdictName, ...] = ("pass", "recheck", "fail")
POLICY_VERSION: Literal[1] = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]
OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Verdict:
    """What the line does with a part, and why."""

    name: VerdictName
    reason: str


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Goal(_Record):
    """What a line wants to promise; fixed before looking at any calibration image."""

    escape: OpenShare
    overkill: OpenShare
    confidence: OpenShare


class Claim(_Record):
    """One promise, and whether the calibration parts can show it.

    Attributes:
        goal: The share that may not be exceeded; this number is what is promised.
        bound: One-sided Clopper-Pearson upper bound reached; None where nothing is shown.
        confidence: Of this claim alone; both claims of a 95 % joint promise carry 97.5 %.
        count: Calibration parts that escaped, or that were failed although good.
        of: Defective, or good, calibration parts.
        shown: Whether the goal is shown; only then may it be promised.
        missing: How many more such parts are needed at least, where too few are there.
    """

    kind: Literal["escape", "overkill"]
    goal: OpenShare
    bound: Share | None
    confidence: OpenShare
    count: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=0)]
    shown: bool
    message: str
    missing: Annotated[int, Field(ge=0)] = 0


class CalibrationSet(_Record):
    """The labelled images that thresholds were chosen on, counted.

    Attributes:
        images: Images that got a score.
        good, defective: Physical parts.
        unreadable: Labelled files that could not be read.
        unlabelled: Images without a label that lay beside them.
        judged_before: Images that had chosen earlier thresholds already.
        learnt_from: Images that the network had learnt from; more than 0 makes the claims void.
        digest: sha256 over contents and labels.
    """

    images: Count
    good: Count
    defective: Count
    unreadable: Count = 0
    unlabelled: Count = 0
    judged_before: Count = 0
    learnt_from: Count = 0
    digest: str


class Probability(_Record):
    """How z becomes the probability of a defect, at a declared defect rate of the line.

    ``sigmoid(slope * z + offset + log(rate / (1 - rate)))``: Platt's line, fitted as if half of
    the parts were defective, then moved to the declared rate.
    """

    defect_rate: OpenShare
    slope: Annotated[float, Field(ge=0.0)]
    offset: float

    def of(self, z: float) -> float:
        """The probability that a part with this z is defective."""
        rate = self.defect_rate
        logit = self.slope * z + self.offset + math.log(rate / (1 - rate))
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))


class PolicyChange(_Record):
    """Who changed the thresholds, when and why, and from what to what.

    Attributes:
        when: ISO time in UTC.
        goals_before, goals_after: What the thresholds were chosen for.
        rule: How they were chosen, in words.
        calibration: What they were chosen on; None where that was not recorded.
        bundle_before: Id of the bundle whose policy it was.
    """

    who: str
    when: str
    why: str
    t_pass_before: float | None
    t_pass_after: float | None
    t_fail_before: float | None
    t_fail_after: float | None
    outlier_limit_before: float | None = None
    outlier_limit_after: float | None = None
    goals_before: Goal | None = None
    goals_after: Goal | None = None
    rule: str = ""
    calibration: CalibrationSet | None = None
    bundle_before: str = ""


class Policy(_Record):
    """Thresholds on z, and the claims they were chosen for.

    Attributes:
        t_pass: z below it passes; None: nothing passes.
        t_fail: z from it on fails; None: nothing fails by z.
        outlier_limit: An outlier score above it makes at least `recheck`; None: no limit.
        goals: The goals the thresholds were chosen for.
        probability: How z becomes a probability; None where no defect rate is declared.
        gate: What an image must be like to be judged; None: no gate.
        history: Every change since the first policy, oldest first.
    """

    version: Literal[1] = POLICY_VERSION
    t_pass: float | None
    t_fail: float | None
    outlier_limit: float | None = None
    goals: Goal | None = None
    claims: tuple[Claim, ...] = ()
    probability: Probability | None = None
    gate: Gate | None = None
    history: tuple[PolicyChange, ...] = ()

    @model_validator(mode="after")
    def _thresholds_do_not_cross(self) -> "Policy":
        if self.t_pass is not None and self.t_fail is not None and self.t_pass > self.t_fail:
            raise ValueError(f"t_pass {self.t_pass} lies above t_fail {self.t_fail}")
        return self

    def decide(self, z: float, outlier: float, readings: Readings | None = None) -> Verdict:
        """Give the verdict for one image.

        Args:
            z: The defect logit.
            outlier: The outlier score; only ever turns `pass` into `recheck`.
            readings: What the image is like, for the gate; the same holds of it. None asks no gate.
        """
        verdict = self._by_scores(z, outlier)
        if self.gate is None or readings is None:
            return verdict
        reasons = self.gate.reasons(readings)
        if not reasons:
            return verdict
        name: VerdictName = "recheck" if verdict.name == "pass" else verdict.name
        return Verdict(name, f"not fit to be judged: {'; '.join(reasons)}. {verdict.reason}")

    def _by_scores(self, z: float, outlier: float) -> Verdict:
        if not math.isfinite(z):
            return Verdict("recheck", "the defect logit z is not a finite number")
        if self.t_fail is not None and z >= self.t_fail:
            return Verdict("fail", f"z {_told(z, self.t_fail, 'reaches the fail threshold')}")
        if self.t_pass is None:
            return Verdict("recheck", f"z {z:.3f}; nothing passes without a look under this policy")
        if z >= self.t_pass:
            words = "is not below the pass threshold"
            return Verdict("recheck", f"z {_told(z, self.t_pass, words)}")
        return self._pass_unless_outlier(z, self.t_pass, outlier)

    def changed_from(
        self,
        before: "Policy",
        who: str,
        when: str,
        why: str,
        *,
        rule: str = "",
        calibration: CalibrationSet | None = None,
        bundle_before: str = "",
    ) -> "Policy":
        """This policy, with the gate and the history of the one it takes the place of.

        Args:
            when: ISO time in UTC.
            rule: How the thresholds were chosen, in words.
            calibration: What they were chosen on.
            bundle_before: Id of the bundle whose policy it was.
        """
        change = PolicyChange(
            who=who,
            when=when,
            why=why,
            t_pass_before=before.t_pass,
            t_pass_after=self.t_pass,
            t_fail_before=before.t_fail,
            t_fail_after=self.t_fail,
            outlier_limit_before=before.outlier_limit,
            outlier_limit_after=self.outlier_limit,
            goals_before=before.goals,
            goals_after=self.goals,
            rule=rule,
            calibration=calibration,
            bundle_before=bundle_before,
        )
        return self.model_copy(update={"gate": before.gate, "history": (*before.history, change)})

    def _pass_unless_outlier(self, z: float, t_pass: float, outlier: float) -> Verdict:
        if not math.isfinite(outlier):
            return Verdict("recheck", "the outlier score is not a finite number")
        if self.outlier_limit is not None and outlier > self.outlier_limit:
            return Verdict(
                "recheck",
                f"z {z:.3f} would pass, but the outlier score {outlier:.3f} is above the limit "
                f"{self.outlier_limit:.3f}: unlike the good parts seen",
            )
        return Verdict("pass", f"z {_told(z, t_pass, 'is below the pass threshold')}")


def _told(z: float, threshold: float, words: str) -> str:
    """Both numbers, with as many digits as tell them apart."""
    digits = 3
    while z != threshold and f"{z:.{digits}f}" == f"{threshold:.{digits}f}" and digits < 9:
        digits += 1
    return f"{z:.{digits}f} {words} {threshold:.{digits}f}"


def worst_verdict(names: Iterable[VerdictName]) -> VerdictName:
    """The verdict of a physical part: the worst among its images.

    Raises:
        ValueError: There is no image.
    """
    return max(names, key=VERDICTS.index)


def save_policy(policy: Policy, path: Path) -> None:
    """Write a policy as JSON."""
    path.write_text(policy.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_policy(path: Path) -> Policy:
    """Read a policy that `save_policy` wrote.

    Raises:
        InputError: The file is missing, is no policy, or was made by a newer version.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem}); expected a policy.") from None
    return parse_policy(content, path)


def parse_policy(content: bytes, where: Path) -> Policy:
    """Read a policy from the bytes of its file; `where` names it in messages.

    Raises:
        InputError: As for `load_policy`.
    """
    try:
        return Policy.model_validate_json(content)
    except ValidationError as problem:
        raise InputError(f"{where}: {_mistakes(problem)}") from None


def _mistakes(problem: ValidationError) -> str:
    errors = problem.errors()
    for error in errors:
        if error["loc"] == ("version",):
            return (
                f"policy version {error['input']!r}, but this program reads version "
                f"{POLICY_VERSION}; update the program."
            )
        if error["loc"][:2] == ("gate", "limits") and error["loc"][-1] == "measure":
            return (
                f"its image gate asks for {error['input']!r}, which this program does not measure; "
                "train and export again with this version."
            )
    listed = "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'the file'}: {error['msg']}" for error in errors
    )
    return f"is no valid policy: {listed}; calibrate again."
