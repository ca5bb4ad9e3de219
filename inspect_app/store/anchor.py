"""One anchor: how long the chain of decisions was and how it ended, sealed against invention."""

import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from inspect_app.store.chain import canonical
from inspect_app.store.chain_key import ChainKey


@dataclass(frozen=True)
class Anchor:
    """A note of the chain's end; the shift report and messages carry it.

    Attributes:
        store_id: Of which store.
        count: How many decisions there were.
        head: The seal of the last one.
        noted_at: When, in UTC, as ISO text.
        seal: The keyed hash over all of these, so that nobody can invent an anchor.
    """

    store_id: str
    count: int
    head: str
    noted_at: str
    seal: str

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    def holds(self, key: ChainKey) -> bool:
        """Whether this anchor was made with the key, and not changed since."""
        expected = _seal(key, self.store_id, self.count, self.head, self.noted_at)
        return hmac.compare_digest(expected.encode(), self.seal.encode())


def make_anchor(key: ChainKey, store_id: str, count: int, head: str, when: datetime) -> Anchor:
    """Note that a chain has so many decisions and ends like this."""
    noted_at = when.astimezone(UTC).isoformat(timespec="seconds")
    return Anchor(store_id, count, head, noted_at, _seal(key, store_id, count, head, noted_at))


def _seal(key: ChainKey, store_id: str, count: int, head: str, noted_at: str) -> str:
    content = {
        "kind": "anchor",
        "store": store_id,
        "count": count,
        "head": head,
        "noted_at": noted_at,
    }
    return key.sign(canonical(content))
