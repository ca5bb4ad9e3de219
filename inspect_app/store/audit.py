"""Prove that no decision was changed, removed, reordered, added or cut off, or name the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Label, Text, select, type_coerce

from inspect_app.store.anchor import Anchor
from inspect_app.store.anchors import check_anchors
from inspect_app.store.chain import (
    NO_SEAL,
    SEALED_OF_DECISION,
    SEALED_OF_INSPECTION,
    Break,
    Link,
    SealedDecision,
    walk,
)
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import Database
from inspect_app.store.schema import UtcTime, decisions, inspections, store_facts

_ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class AuditResult:
    """What an audit found.

    Attributes:
        decisions: How many decisions hold, up to the first break.
        head: The seal of the last one that holds.
        anchors: How many anchors were compared.
        broken: The first break; None where the chain is whole.
    """

    decisions: int
    head: str
    anchors: int
    broken: Break | None


def audit_chain(
    database: Database, key_file: ChainKeyFile, anchors: Sequence[Anchor] = ()
) -> AuditResult:
    """Go along the whole chain, and compare it with anchors.

    Raises:
        StoreError: The key is missing, or an anchor is none of this store and key.
    """
    with database.reading() as connection:
        store_id = connection.execute(select(store_facts.c.store_id)).scalar_one()
        first = connection.execute(select(decisions.c.id).limit(1)).first()
        if first is None and not anchors:
            return AuditResult(0, NO_SEAL, 0, None)
        key = key_file.load()
        check_anchors(anchors, key, store_id)
        count, head, broken = _along(walk(key, store_id, _sealed(connection)), anchors)
    if broken is None:
        broken = _cut_off(count, anchors)
    return AuditResult(count, head, len(anchors), broken)


def _along(
    steps: Iterator[Link | Break], anchors: Sequence[Anchor]
) -> tuple[int, str, Break | None]:
    noted = _by_count(anchors)
    count, head = 0, NO_SEAL
    for step in steps:
        if isinstance(step, Break):
            return count, head, step
        for anchor in noted.get(step.number, ()):
            if anchor.head != step.seal:
                problem = f"it is not the one that the anchor of {anchor.noted_at} was made on"
                return count, head, Break(step.number, problem)
        count, head = step.number, step.seal
    return count, head, None


def _by_count(anchors: Sequence[Anchor]) -> dict[int, list[Anchor]]:
    noted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.count, []).append(anchor)
    return noted


def _cut_off(count: int, anchors: Sequence[Anchor]) -> Break | None:
    longest = max(anchors, key=lambda anchor: anchor.count, default=None)
    if longest is None or longest.count <= count:
        return None
    return Break(
        count + 1,
        f"it is missing with all behind it: the anchor of {longest.noted_at} counts "
        f"{longest.count} decisions, {count} are there",
    )


def _sealed(connection: Connection) -> Iterator[SealedDecision]:
    parts = [_as_written(inspections.c[name], f"part_{name}") for name in SEALED_OF_INSPECTION]
    own = [_as_written(decisions.c[name], name) for name in (*SEALED_OF_DECISION, "seal")]
    query = (
        select(*own, *parts)
        .outerjoin(inspections, inspections.c.id == decisions.c.inspection_id)
        .order_by(decisions.c.id)
    )
    rows = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(query)
    for row in rows:
        yield _decision(row._asdict())


def _as_written(column: Column[Any], name: str) -> Label[Any]:
    """The value as the database has it: what was tampered with may be no moment any more."""
    as_text = isinstance(column.type, UtcTime)
    return (type_coerce(column, Text) if as_text else column).label(name)


def _decision(row: Mapping[str, Any]) -> SealedDecision:
    part = {name: row[f"part_{name}"] for name in SEALED_OF_INSPECTION}
    decision = {name: row[name] for name in SEALED_OF_DECISION}
    return SealedDecision(decision, None if part["id"] is None else part, str(row["seal"]))
