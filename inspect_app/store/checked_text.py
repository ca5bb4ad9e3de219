"""Texts that people type, held to what the store keeps of them."""

from span_train.contract.errors import StoreError


def checked_text(what: str, text: str, longest: int, needed: bool = False) -> str:
    """The text without spaces around it.

    Raises:
        StoreError: It is longer than fits, or needed and missing.
    """
    text = text.strip()
    if needed and not text:
        raise StoreError(f"the {what} is missing; enter it, then decide.")
    if len(text) > longest:
        raise StoreError(f"the {what} has {len(text)} characters, at most {longest} fit.")
    return text
