"""Somebody who can sign in at the demo's station, with a PIN that nobody knows before."""

import secrets

from inspect_app.store.pins import SHORTEST, check_new_pin
from inspect_app.store.reader import StoreReader
from span_train.contract.errors import StoreError

NAME = "demo"


def add_demo_operator(store: str) -> str | None:
    """Add an engineer to a store that has no operators; give the PIN, or None where it has some."""
    with StoreReader(store) as reader:
        if reader.operators.all():
            return None
        pin = _drawn_pin()
        reader.operators.add(NAME, "engineer", pin, by="inspect demo")
        return pin


def _drawn_pin() -> str:
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(SHORTEST))
        try:
            check_new_pin(pin)
        except StoreError:
            continue
        return pin
