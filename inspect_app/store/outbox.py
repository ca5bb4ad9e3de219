"""The outbox: what the plant is to be told, written in one transaction with what it tells of.

So nothing is told that was not stored, and nothing that was stored is forgotten. Rows are never
changed; how far each destination has come stands beside (inspect_app/store/destinations.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Table, insert, select

from inspect_app.store.part_verdict import part_verdict_then
from inspect_app.store.records import DecisionName
from inspect_app.store.schema import decisions, inspections, outbox

Kind = Literal["inspection", "decision", "anchor"]


@dataclass(frozen=True)
class Entry:
    """One thing to be told.

    Attributes:
        id: Its place in the outbox; a later entry has a greater one.
        inspection: The columns of the inspection that it is about.
        part_verdict: Of an inspection, the verdict on its part with all images so far.
        decision: Those of the decision; None where it is about the inspection itself.
        content: An anchor's values; None for the other kinds.
    """

    id: int
    kind: Kind
    inspection: Mapping[str, Any]
    decision: Mapping[str, Any] | None
    content: Mapping[str, Any] | None
    part_verdict: DecisionName | None


def to_be_told(
    connection: Connection, kind: Kind, about: int, content: Mapping[str, Any] | None = None
) -> None:
    """Put something into the outbox, in the transaction that writes what it is about."""
    values = {"kind": kind, "about": about, "content": content}
    connection.execute(insert(outbox).values(**values))


def entries_after(connection: Connection, position: int, most: int) -> list[Entry]:
    """The next entries behind a position, in their order."""
    query = select(outbox).where(outbox.c.id > position).order_by(outbox.c.id).limit(most)
    rows = connection.execute(query).all()
    about = [row.about for row in rows if row.kind != "inspection"]
    decided = _by_id(connection, decisions, about)
    parts = [row.about for row in rows if row.kind == "inspection"]
    parts += [decision["inspection_id"] for decision in decided.values()]
    judged = _by_id(connection, inspections, parts)
    entries = []
    for row in rows:
        decision = None if row.kind == "inspection" else decided[row.about]
        part = judged[row.about if decision is None else decision["inspection_id"]]
        worst = part_verdict_then(connection, part) if decision is None else None
        entries.append(Entry(row.id, row.kind, part, decision, row.content, worst))
    return entries


def _by_id(
    connection: Connection, table: Table, ids: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    found = connection.execute(select(table).where(table.c.id.in_(set(ids)))).mappings()
    return {int(row["id"]): dict(row) for row in found}
