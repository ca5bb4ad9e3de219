"""What the store holds, in the words of the line: inspections, decisions, bundles and maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB

Outcome = Literal["pass", "recheck", "fail", "unreadable"]
DecisionName = Literal["pass", "recheck", "fail"]
Status = Literal["ok", "unreadable"]
Role = Literal["operator", "reviewer", "engineer"]
OUTCOMES: tuple[Outcome, ...] = ("pass", "recheck", "fail", "unreadable")
DECISIONS: tuple[DecisionName, ...] = ("pass", "recheck", "fail")
ROLES: tuple[Role, ...] = ("operator", "reviewer", "engineer")
LONGEST_OPERATOR = 80
LONGEST_REASON = 500


@dataclass(frozen=True)
class InspectionRecord:
    """One arrival as the line judged it; it never changes.

    Attributes:
        source, file_name: The path it arrived as, and the last part of it.
        arrived_at, inspected_at: In UTC.
        verdict: None where the file was unreadable; so is everything measured then.
        t_pass, t_fail, outlier_limit: The policy's limits at that time; None: no such limit.
        contributions: What each part, `elsewhere` and `free` add to z; a typical good part is 0.
        duplicate_of: The first inspection of the same content under another name.
        geometry: How the fitted square came from the original image.
        picture_asset, maps_asset, original_asset: Names of files beside the database.
        quality: Brightness, contrast, sharpness, clipped share of what was judged.
        blind_review: A pass chosen to be looked at again, without showing the verdict.
        file_time_us: When a watched file was last written, in microseconds since 1970 by the clock
            of its folder; with source and sha256 it tells one arrival from the next.
        adherence: By part, the share of its head's attention that lay on it.
        part_id, camera, lot, line: What a watched file's name says of it.
    """

    id: int
    source: str
    file_name: str
    sha256: str | None
    arrived_at: datetime
    inspected_at: datetime
    bundle_id: str
    status: Status
    verdict: DecisionName | None
    reason: str
    defect_type: str | None
    z: float | None
    t_pass: float | None
    t_fail: float | None
    outlier: float | None
    outlier_limit: float | None
    contributions: Mapping[str, float]
    latency_ms: float | None
    duplicate_of: int | None
    geometry: Geometry | None
    picture_asset: str | None
    maps_asset: str | None
    file_time_us: int | None = None
    part_id: str | None = None
    camera: str | None = None
    lot: str | None = None
    line: str | None = None
    quality: Mapping[str, float] | None = None
    original_asset: str | None = None
    blind_review: bool = False
    adherence: Mapping[str, float] | None = None

    @property
    def outcome(self) -> Outcome:
        """The verdict, or `unreadable` where there is none."""
        return self.verdict or "unreadable"

    @property
    def bias(self) -> float | None:
        """The z of a typical good part: what is left of z without the contributions."""
        return None if self.z is None else self.z - sum(self.contributions.values())


@dataclass(frozen=True)
class DecisionRecord:
    """What an operator decided about one inspection, under which thresholds; it never changes.

    Attributes:
        id: Its number in the chain, from 1 without a gap.
        original_asset: The original image, where it was kept because of this decision.
        seal: The keyed hash over it, its inspection and the decision before.
    """

    id: int
    inspection_id: int
    operator: str
    decision: DecisionName
    reason: str
    decided_at: datetime
    bundle_id: str
    t_pass: float | None
    t_fail: float | None
    role: Role
    original_asset: str | None
    seal: str


@dataclass(frozen=True)
class OperatorRecord:
    """Somebody who signs in at the station, as they are since a moment.

    Attributes:
        id: Of this state: with another role or PIN it is another one.
        is_active: Whether they may sign in.
        changed_by: Who made the change, by their name on the machine.
    """

    id: int
    name: str
    role: Role
    is_active: bool
    changed_at: datetime
    changed_by: str

    def may(self, role: Role) -> bool:
        """Whether they may do what takes this role: an engineer may all, a reviewer may decide."""
        return self.is_active and ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class DecidedPart:
    """A decision beside the verdict it was made about."""

    decision: DecisionRecord
    file_name: str
    verdict: DecisionName | None
    z: float | None


@dataclass(frozen=True)
class BundleRecord:
    """A bundle that inspections were made with."""

    bundle_id: str
    name: str
    manifest: Mapping[str, Any]
    registered_at: datetime
    layout_asset: str | None

    @property
    def heads(self) -> tuple[str, ...]:
        """The name of each attention head."""
        return tuple(self.manifest["heads"])

    @property
    def parts(self) -> tuple[str, ...]:
        """Part names, in head order."""
        return tuple(self.manifest["parts"])


@dataclass(frozen=True)
class PartEvidence:
    """What the station draws for one inspection.

    Attributes:
        picture: (h, w, 3) uint8 RGB, the original or a smaller copy of it.
        geometry: From the fitted square to the pixels of `picture`.
        evidence_gg: What each patch adds to z, (G, G) float32.
        attention_hgg: Where each head looks, (H, G, G) float32; each head sums to 1.
    """

    picture: RGB
    geometry: Geometry
    evidence_gg: npt.NDArray[np.float32]
    attention_hgg: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Counts:
    """How many inspections there are, how many of them an operator has decided, and the newest.

    Attributes:
        inspections: By outcome; every outcome has an entry.
        decided: By outcome as well.
        newest_id: 0 while there is none.
    """

    inspections: Mapping[Outcome, int]
    decided: Mapping[Outcome, int]
    newest_id: int

    def of(self, outcome: Outcome | None) -> tuple[int, int]:
        """(inspections, decided among them) with this outcome, or of all."""
        names = OUTCOMES if outcome is None else (outcome,)
        return sum(self.inspections[name] for name in names), sum(
            self.decided[name] for name in names
        )
