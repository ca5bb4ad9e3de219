"""How the line puts inspections into the store: each arrival once, with its picture and maps."""

import hashlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from inspect_app.store.address import store_address
from inspect_app.store.adherence import PartMasks
from inspect_app.store.assets import Assets
from inspect_app.store.bundle_switches import BundleSwitches
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.closing import Closing
from inspect_app.store.database import make_database
from inspect_app.store.facts import read_facts
from inspect_app.store.originals import chosen_for_blind_review, original_of
from inspect_app.store.outbox import to_be_told
from inspect_app.store.schema import bundles, inspections, outbox
from span_train.contract.errors import StoreError

if TYPE_CHECKING:  # deploy.runtime loads ONNX Runtime, which reading a store must not need
    from deploy.bundle.read import Bundle
    from deploy.scoring.results import ScoredImage


def open_store(url: str, chain_key: Path | None = None) -> "StoreWriter":
    """Open a store for writing inspections; make it where there is none.

    Args:
        chain_key: Where the key lies; needed only to bring old decisions up to date.

    Raises:
        StoreError: The URL names no store, the place refuses writing, or holds something else.
    """
    return StoreWriter(url, chain_key)


def arrival_key(source: str, sha256: str | None, bundle_id: str) -> str:
    """The same for the same file judged by the same bundle, however often it is scored."""
    return hashlib.sha256("\0".join((source, sha256 or "", bundle_id)).encode()).hexdigest()


def watched_key(source: str, sha256: str | None, file_time_us: int) -> str:
    """The same for the same arrival in a watched folder, whichever bundle judges it."""
    known_by = ("watched", source, sha256 or "", str(file_time_us))
    return hashlib.sha256("\0".join(known_by).encode()).hexdigest()


class StoreWriter(Closing):
    """Append inspections to a store; a file that is already there is left as it is.

    One writer serves one process; several processes may write to one store.
    """

    def __init__(self, url: str, chain_key: Path | None = None) -> None:
        """Open the store, as `open_store` does."""
        self.address = store_address(url)
        self._database = make_database(self.address, ChainKeyFile(chain_key))
        self._facts = read_facts(self._database)
        self._assets = Assets(self.address.assets)
        self.bundle_switches = BundleSwitches(self._database, lambda: datetime.now(UTC))
        self._masks: dict[str, PartMasks] = {}
        self._workers = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "store-assets")

    def close(self) -> None:
        """Let go of the database."""
        self._workers.shutdown()
        self._database.close()

    def register_bundle(self, bundle: "Bundle") -> None:
        """Keep the bundle's manifest and layout; needed once before its inspections are added."""
        self._masks[bundle.bundle_id] = PartMasks(bundle)
        known = select(bundles.c.bundle_id).where(bundles.c.bundle_id == bundle.bundle_id)
        with self._database.reading() as connection:
            if connection.execute(known).first() is not None:
                return
        side_px, how = bundle.manifest.input.side_px, bundle.manifest.input.fit
        layout = self._assets.save_layout(bundle.bundle_id, bundle.layout.fitted(side_px, how))
        values = {
            "bundle_id": bundle.bundle_id,
            "name": bundle.manifest.name,
            "manifest": bundle.manifest.model_dump(mode="json"),
            "layout_asset": layout,
            "registered_at": datetime.now(UTC),
        }
        with self._database.writing(bundles) as connection:
            if connection.execute(known).first() is None:
                connection.execute(insert(bundles).values(**values))

    def add(self, scored: "Sequence[ScoredImage]") -> int:
        """Add scored images; give how many of them were new.

        Files are on the disk before their rows: a row never points at nothing.

        Raises:
            StoreError: The bundle is not registered, the disk is full, or the database refuses.
        """
        keyed = {_key(one): one for one in scored}
        with self._database.reading() as connection:
            self._check_registered(connection, {one.row.bundle_id for one in scored})
            known = _known(connection, list(keyed))
        new = {key: one for key, one in keyed.items() if key not in known}
        saved = list(self._workers.map(self._save_assets, new, new.values()))
        with self._database.writing(inspections, outbox) as connection:
            known = _known(connection, list(new))
            for (key, one), assets in zip(new.items(), saved, strict=True):
                if key not in known:
                    values = _values(key, one) | assets
                    values["duplicate_of"] = _first_of_same_content(connection, values)
                    added = insert(inspections).values(**values).returning(inspections.c.id)
                    to_be_told(connection, "inspection", connection.execute(added).scalar_one())
        return len(new) - len(known)

    def watched_files(self, folder: str) -> set[tuple[str, int]]:
        """Source and file time of every arrival that a watched folder ever had."""
        source, file_time_us = inspections.c.source, inspections.c.file_time_us
        query = select(source, file_time_us).where(
            file_time_us.is_not(None), source.startswith(folder + os.sep, autoescape=True)
        )
        with self._database.reading() as connection:
            return {(found[0], int(found[1])) for found in connection.execute(query)}

    def _check_registered(self, connection: Connection, wanted: set[str]) -> None:
        registered = set(connection.execute(select(bundles.c.bundle_id)).scalars())
        for bundle_id in sorted(wanted - registered):
            raise StoreError(
                f"{self.address}: bundle {bundle_id} is not registered; call register_bundle first."
            )

    def _save_assets(self, key: str, scored: "ScoredImage") -> dict[str, Any]:
        """Keep picture and maps; the original too, where a decision may make it a label."""
        found, image, row = scored.inspection, scored.image, scored.row
        if found is None or image is None:
            return {}
        picture, maps = self._assets.save_part(key, image, found.evidence, found.attention)
        blind = row.verdict == "pass" and chosen_for_blind_review(
            row.sha256, self._facts.seed, self._facts.blind_review_share
        )
        masks = self._masks.get(row.bundle_id)
        original = original_of(scored) if blind or row.verdict != "pass" else None
        return {
            "geometry": asdict(found.geometry),
            "adherence": masks and masks.shares(found.attention),
            "picture_asset": picture,
            "maps_asset": maps,
            "blind_review": blind,
            "original_asset": original and self._assets.save_original(key, original, row.path),
        }


def _key(scored: "ScoredImage") -> str:
    row, notes = scored.row, scored.notes
    if notes is not None:
        return watched_key(row.path, row.sha256, notes.file_time_us)
    return arrival_key(row.path, row.sha256, row.bundle_id)


def _known(connection: Connection, keys: list[str]) -> set[str]:
    query = select(inspections.c.arrival_key).where(inspections.c.arrival_key.in_(keys))
    return set(connection.execute(query).scalars())


def _first_of_same_content(connection: Connection, values: dict[str, Any]) -> int | None:
    if values["sha256"] is None:
        return None
    query = (
        select(inspections.c.id)
        .where(
            inspections.c.sha256 == values["sha256"],
            inspections.c.bundle_id == values["bundle_id"],
        )
        .order_by(inspections.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def _values(key: str, scored: "ScoredImage") -> dict[str, Any]:
    row = scored.row
    return {
        "arrival_key": key,
        "source": row.path,
        "file_name": PurePath(row.path).name,
        "sha256": row.sha256,
        "arrived_at": _arrived_at(scored),
        "inspected_at": row.time,
        "bundle_id": row.bundle_id,
        "status": row.status,
        "verdict": row.verdict,
        "reason": row.reason.replace("\0", "\N{REPLACEMENT CHARACTER}"),  # PostgreSQL has no NUL
        "defect_type": row.defect_type,
        "z": _finite(row.z),
        "t_pass": row.t_pass,
        "t_fail": row.t_fail,
        "outlier": _finite(row.outlier),
        "outlier_limit": row.outlier_limit,
        "contributions": {
            part: amount for part, amount in row.contributions.items() if math.isfinite(amount)
        },
        "latency_ms": _finite(row.latency_ms),
        "quality": row.quality and asdict(row.quality),
        **({} if scored.notes is None else asdict(scored.notes)),
    }


def _arrived_at(scored: "ScoredImage") -> datetime:
    """When the file came to be; it cannot have arrived after it was inspected."""
    row, notes = scored.row, scored.notes
    try:
        written_s = os.stat(row.path).st_mtime if notes is None else notes.file_time_us / 1e6
        return min(datetime.fromtimestamp(written_s, UTC), row.time)
    except (OSError, ValueError, OverflowError):
        return row.time


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
