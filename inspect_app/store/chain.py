"""The chain of seals: each decision's seal covers it, its inspection, and the seal before.

The seal is HMAC-SHA256 (RFC 2104) over JSON with sorted keys. Who has the database but not the key
cannot change, remove, reorder or add a decision without breaking a seal. Cutting off the newest
decisions breaks none; the anchors (inspect_app/store/anchors.py) show that.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inspect_app.store.chain_key import ChainKey

NO_SEAL = "0" * 64  # stands before the first decision
SEALED_OF_DECISION = (
    "id",
    "inspection_id",
    "operator",
    "role",
    "decision",
    "reason",
    "decided_at",
    "bundle_id",
    "t_pass",
    "t_fail",
)
SEALED_OF_INSPECTION = (
    "id",
    "arrival_key",
    "source",
    "sha256",
    "arrived_at",
    "inspected_at",
    "bundle_id",
    "part_id",
    "status",
    "verdict",
    "defect_type",
    "z",
)


@dataclass(frozen=True)
class SealedDecision:
    """What the audit reads of one decision.

    Attributes:
        decision: The columns SEALED_OF_DECISION.
        inspection: The columns SEALED_OF_INSPECTION; None where the row is gone.
    """

    decision: Mapping[str, Any]
    inspection: Mapping[str, Any] | None
    seal: str


@dataclass(frozen=True)
class Break:
    """The first decision where the chain does not hold, by number, and what is wrong with it."""

    decision: int
    problem: str


@dataclass(frozen=True)
class Link:
    """A decision that holds: its number and its seal."""

    number: int
    seal: str


def seal(
    key: ChainKey,
    store_id: str,
    decision: Mapping[str, Any],
    inspection: Mapping[str, Any],
    previous: str,
) -> str:
    """The seal of a decision, as 64 hexadecimal digits.

    Args:
        decision, inspection: The columns named above; moments as datetime or as the store's text.
        previous: The seal of the decision before, or NO_SEAL.
    """
    content = {
        "kind": "decision",
        "store": store_id,
        "decision": {name: _plain(decision[name]) for name in SEALED_OF_DECISION},
        "inspection": {name: _plain(inspection[name]) for name in SEALED_OF_INSPECTION},
        "previous": previous,
    }
    return key.sign(canonical(content))


def walk(
    key: ChainKey, store_id: str, decisions: Iterable[SealedDecision]
) -> Iterator[Link | Break]:
    """Go along the chain; ends behind the first break."""
    previous = NO_SEAL
    for number, found in enumerate(decisions, start=1):
        problem = _problem(key, store_id, found, number, previous)
        if problem is not None:
            yield Break(number, problem)
            return
        previous = found.seal
        yield Link(number, previous)


def canonical(content: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, on any machine."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _problem(
    key: ChainKey, store_id: str, found: SealedDecision, number: int, previous: str
) -> str | None:
    if found.decision["id"] != number:
        return f"it is missing; the next one there is decision {found.decision['id']}"
    if found.inspection is None:
        return f"inspection {found.decision['inspection_id']}, which it is about, is missing"
    try:
        expected = seal(key, store_id, found.decision, found.inspection, previous)
    except (TypeError, ValueError):  # a value that no program here writes
        expected = ""
    if not hmac.compare_digest(expected.encode(), found.seal.encode()):
        return (
            f"it or inspection {found.decision['inspection_id']}, which it is about, was changed, "
            "or it was not made with this key"
        )
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
