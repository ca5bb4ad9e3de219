"""Find the inspections in which the same parts of the layout spoke as strongly as in one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, select

from inspect_app.store.database import Database
from inspect_app.store.records import InspectionRecord
from inspect_app.store.schema import decisions, inspections

NEWEST_COMPARED, DECIDED_COMPARED = 2000, 500


def similar_ids(database: Database, part: InspectionRecord, most: int) -> list[int]:
    """The most similar inspections of the same bundle, the most similar first; no content twice.

    Compared are the newest and the last decided ones, by Euclid's distance of what each part adds
    to z: all of it is in the same unit, and what hardly moves z hardly counts.
    """
    if not part.contributions:
        return []
    queries = newest_query(part), decided_query(part)
    with database.reading() as connection:
        rows = [row for query in queries for row in connection.execute(query)]
    others = {row.sha256: row for row in rows if row.contributions and row.sha256 != part.sha256}
    if not others:
        return []
    kept = list(others.values())
    nearest = nearest_first(part.contributions, [row.contributions for row in kept])
    return [int(kept[index].id) for index in nearest[:most]]


def nearest_first(
    own: Mapping[str, float], others: Sequence[Mapping[str, float]]
) -> npt.NDArray[np.intp]:
    """Indices into `others`; equally near ones keep their order."""
    names = sorted(own)
    own_k = np.array([own[name] for name in names])
    others_nk = np.array([[other.get(name, 0.0) for name in names] for other in others])
    distance_n = np.linalg.norm(others_nk - own_k, axis=1)
    return np.argsort(distance_n, kind="stable")


def newest_query(part: InspectionRecord) -> Select[Any]:
    """The newest of the bundle."""
    return _others(part).order_by(inspections.c.id.desc()).limit(NEWEST_COMPARED)


def decided_query(part: InspectionRecord) -> Select[Any]:
    """Those decided last: what was said of them is what a reviewer wants to see."""
    last = (
        select(decisions.c.inspection_id)
        .order_by(decisions.c.id.desc())
        .limit(DECIDED_COMPARED)
        .subquery()
    )
    return _others(part).where(inspections.c.id.in_(select(last.c.inspection_id)))


def _others(part: InspectionRecord) -> Select[Any]:
    decided = select(decisions.c.id).where(decisions.c.inspection_id == inspections.c.id)
    columns = (inspections.c[name] for name in ("id", "sha256", "contributions"))
    return select(*columns).where(
        inspections.c.bundle_id == part.bundle_id,
        inspections.c.status == "ok",
        inspections.c.id != part.id,
        ~inspections.c.blind_review | decided.exists(),
    )
