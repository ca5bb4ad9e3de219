"""How an operator's name is written, and which two names are the same one."""

import unicodedata

from inspect_app.store.records import LONGEST_OPERATOR
from span_train.contract.errors import StoreError


def clean_name(typed: str) -> str:
    """The name as it is kept: one form of each letter, single spaces, nothing invisible.

    Raises:
        StoreError: It is empty, too long, or holds something that no name has.
    """
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    if not name:
        raise StoreError("the operator's name is missing; give one.")
    if len(name) > LONGEST_OPERATOR:
        raise StoreError(
            f"the operator's name has {len(name)} characters, at most {LONGEST_OPERATOR} fit."
        )
    strange = next((c for c in name if unicodedata.category(c)[0] == "C"), None)
    if strange is not None:
        raise StoreError(
            f"the operator's name holds the invisible character U+{ord(strange):04X}; "
            "type it again without it."
        )
    return name


def folded(name: str) -> str:
    """The same for names that look the same: `ANNA`, `anna` and ` Anna ` are one operator."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
