"""What a store knows about itself: its name, and how it chooses passes for blind review."""

from dataclasses import dataclass

from sqlalchemy import select

from inspect_app.store.database import Database
from inspect_app.store.schema import store_facts


@dataclass(frozen=True)
class StoreFacts:
    """Fixed when the store was made.

    Attributes:
        store_id: Seals carry it, so that decisions of one store are none of another.
        seed: Chooses, with the content's hash, which passes are looked at again.
        blind_review_share: How many of them.
    """

    store_id: str
    seed: str
    blind_review_share: float


def read_facts(database: Database) -> StoreFacts:
    """Read them."""
    columns = store_facts.c.store_id, store_facts.c.seed, store_facts.c.blind_review_share
    with database.reading() as connection:
        return StoreFacts(*connection.execute(select(*columns)).one())
