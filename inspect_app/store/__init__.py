"""The store: every inspection and every decision about it, in one database that only grows."""

from inspect_app.store.reader import StoreReader
from inspect_app.store.records import (
    BundleRecord,
    Counts,
    DecidedPart,
    DecisionName,
    DecisionRecord,
    InspectionRecord,
    Outcome,
    PartEvidence,
)
from inspect_app.store.writer import StoreWriter, arrival_key, open_store

__all__ = [
    "BundleRecord",
    "Counts",
    "DecidedPart",
    "DecisionName",
    "DecisionRecord",
    "InspectionRecord",
    "Outcome",
    "PartEvidence",
    "StoreReader",
    "StoreWriter",
    "arrival_key",
    "open_store",
]
