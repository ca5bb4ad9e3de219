"""Operators' PINs: which are good enough, and how they are kept so that nobody reads them back.

A PIN is short, so its hash alone could be guessed through. It is signed with the store's key first,
which lies outside the database, and then hashed with argon2id (RFC 9106). What is signed names the
operator and the role as well: a row cannot be copied to another name.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inspect_app.store.chain_key import ChainKey
from span_train.contract.errors import StoreError

SHORTEST, LONGEST = 6, 12
_DIGITS = "01234567890"
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
# Of a PIN that nobody has, so that a name that nobody has takes as long.
_NOBODYS = _hasher.hash("")


def check_new_pin(pin: str) -> None:
    """Refuse a PIN that is quickly guessed.

    Raises:
        StoreError: It is too short or long, has other characters than 0 to 9, or is a mere row.
    """
    if not (pin.isascii() and pin.isdigit() and SHORTEST <= len(pin) <= LONGEST):
        raise StoreError(f"a PIN has {SHORTEST} to {LONGEST} digits, 0 to 9; choose such a one.")
    if len(set(pin)) < 3 or pin in _DIGITS or pin in _DIGITS[::-1]:
        raise StoreError("this PIN is among the first ones tried; choose less regular digits.")


def hash_pin(key: ChainKey, owner: tuple[str, ...], pin: str) -> str:
    """What is kept of a PIN.

    Args:
        owner: Store, name and role that it belongs to.
    """
    return _hasher.hash(_signed(key, owner, pin))


def is_pin(key: ChainKey, owner: tuple[str, ...], pin: str, kept: str | None) -> bool:
    """Whether a PIN is the one that was kept; takes as long where nothing was."""
    try:
        _hasher.verify(kept or _NOBODYS, _signed(key, owner, pin))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def _signed(key: ChainKey, owner: tuple[str, ...], pin: str) -> str:
    content = "\0".join(("PIN", *owner, pin))
    return key.sign(content.encode("utf-8", "surrogatepass"))
