"""What the plant is told: JSON with the names of OPC 40100-1 where that standard has one.

docs/decisions/0019-messages-to-the-plant.md says what each name stands for, and which of the
standard's names have no counterpart here and are left out. Names in small letters are our own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inspect_app.store.outbox import Entry, Kind

_COMPLETED, _FAILED = 1, 4  # ResultStateDataType, OPC 40100-1, 12.19
_UNDEFINED = 0
_EVALUATIONS = {"pass": 1, "fail": 2, "recheck": 3}  # OK, NotOK, NotDecidable: OPC 40001-101, 10.3
_JUDGED = (
    "verdict",
    "reason",
    "defect_type",
    "z",
    "t_pass",
    "t_fail",
    "outlier",
    "outlier_limit",
) + ("contributions", "quality", "source", "sha256", "camera", "lot", "line")
_DECIDED = ("decision", "reason", "role", "t_pass", "t_fail")


@dataclass(frozen=True)
class Message:
    """One message, the same however often it is sent.

    Attributes:
        id: The same for the same event in every copy of the store; receivers drop doubles by it.
        body: JSON, UTF-8.
    """

    id: str
    kind: Kind
    body: bytes


def message_of(entry: Entry, store_id: str, with_names: bool) -> Message:
    """What is told of one entry of the outbox.

    Args:
        with_names: Also name the operator who decided.
    """
    message_id, told = _CONTENT[entry.kind](entry, with_names)
    body = {
        "MessageId": message_id,
        "PublisherId": store_id,
        "SequenceNumber": entry.id,
        "kind": entry.kind,
        **told,
    }
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Message(message_id, entry.kind, text.encode())


def _inspection(entry: Entry, _with_names: bool) -> tuple[str, dict[str, Any]]:
    part = entry.inspection
    readable = part["status"] == "ok"
    times = {"StartTime": _utc(part["arrived_at"]), "EndTime": _utc(part["inspected_at"])}
    if part["latency_ms"] is not None:
        times["ProcessingDuration"] = part["latency_ms"]
    content = {name: part[name] for name in _JUDGED}
    if entry.part_verdict is not None:
        content["part_verdict"] = entry.part_verdict
    return part["arrival_key"], {
        **_about(part),
        "IsPartial": False,
        "IsSimulated": False,
        "ResultState": _COMPLETED if readable else _FAILED,
        "ResultEvaluation": _EVALUATIONS.get(part["verdict"], _UNDEFINED),
        "InternalRecipeId": {"Id": part["bundle_id"]},
        "CreationTime": times["EndTime"],
        "ProcessingTimes": times,
        "ResultContent": [content],
    }


def _decision(entry: Entry, with_names: bool) -> tuple[str, dict[str, Any]]:
    decided = entry.decision
    assert decided is not None, "an entry about a decision has one"
    told = {"number": decided["id"], **{name: decided[name] for name in _DECIDED}}
    told |= {"decided_at": _utc(decided["decided_at"]), "seal": decided["seal"]}
    if with_names:
        told["operator"] = decided["operator"]
    return decided["seal"], {
        **_about(entry.inspection),
        "ResultEvaluation": _EVALUATIONS[decided["decision"]],
        "InternalRecipeId": {"Id": decided["bundle_id"]},
        "decision": told,
    }


def _anchor(entry: Entry, _with_names: bool) -> tuple[str, dict[str, Any]]:
    assert entry.content is not None, "an anchor has its values with it"
    return str(entry.content["seal"]), {"anchor": dict(entry.content)}


_CONTENT = {"inspection": _inspection, "decision": _decision, "anchor": _anchor}


def _about(part: Mapping[str, Any]) -> dict[str, Any]:
    named = {"ResultId": {"Id": part["arrival_key"]}}
    return named | ({"PartId": {"Id": part["part_id"]}} if part["part_id"] else {})


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
