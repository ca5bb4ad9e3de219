"""Who may decide: operators with a role, and most with a PIN; each change is a row that stays."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select

from inspect_app.store.chain_key import ChainKey, ChainKeyFile
from inspect_app.store.database import Database
from inspect_app.store.decide import key_of, own_key
from inspect_app.store.operator_name import clean_name, folded
from inspect_app.store.pins import check_new_pin, hash_pin, is_pin
from inspect_app.store.records import ROLES, OperatorRecord, Role
from inspect_app.store.schema import chain_keys, decisions, operators, sign_in_tries, store_facts
from inspect_app.store.sign_in_tries import count_try, forget_tries, locked_until
from span_train.contract.errors import StoreError


@dataclass(frozen=True)
class Refusal:
    """Name or PIN is wrong; which of them is not told.

    Attributes:
        wait_until: Until when no try with this name counts; None where the next one does.
    """

    wait_until: datetime | None


class Operators:
    """The operators of a store, and the door they come in by."""

    def __init__(
        self, database: Database, key_file: ChainKeyFile, clock: Callable[[], datetime]
    ) -> None:
        """Take an open store's database, and the place of its key."""
        self._database, self._key_file, self._clock = database, key_file, clock

    def all(self) -> list[OperatorRecord]:
        """Everybody as they are now, by name; who may no longer sign in as well."""
        query = select(operators).where(operators.c.id.in_(_newest_ids()))
        with self._database.reading() as connection:
            found = [_record(row) for row in connection.execute(query)]
        return sorted(found, key=lambda one: folded(one.name))

    def find(self, name: str) -> OperatorRecord | None:
        """One operator as they are now."""
        with self._database.reading() as connection:
            row = _newest(connection, name)
        return None if row is None else _record(row)

    def add(self, name: str, role: Role, pin: str | None, by: str) -> OperatorRecord:
        """Let somebody sign in; one who was disabled comes back with a new role and PIN.

        Args:
            name: What the company's sign-on calls them, where they come in that way.
            pin: None for the company's sign-on alone.
            by: Who makes the change.

        Raises:
            StoreError: The name or PIN is not fit for one, or the name is taken.
        """
        if role not in ROLES:
            raise ValueError(f"expected one of {', '.join(ROLES)}, found {role!r}")
        name = clean_name(name)
        if pin is not None:
            check_new_pin(pin)
        with self._writing() as connection:
            found = _newest(connection, name)
            if found is not None and found.is_active:
                raise StoreError(
                    f"{found.name}: is {found.role} here already; `inspect operators pin` sets "
                    "another PIN; for another role, disable the name and add it again."
                )
            return self._change(connection, name, role, by, pin=pin)

    def set_pin(self, name: str, pin: str, by: str) -> OperatorRecord:
        """Give somebody another PIN; waiting after wrong ones is over.

        Raises:
            StoreError: Nobody of this name may sign in, or the PIN is not fit for one.
        """
        check_new_pin(pin)
        with self._writing() as connection:
            found = self._active(connection, name)
            return self._change(connection, found.name, found.role, by, pin=pin)

    def disable(self, name: str, by: str) -> OperatorRecord:
        """Let somebody sign in no more; what they decided stays, and they are signed out.

        Raises:
            StoreError: Nobody of this name may sign in.
        """
        with self._writing() as connection:
            found = self._active(connection, name)
            return self._change(connection, found.name, found.role, by, pin=None, active=False)

    def sign_in(self, name: str, pin: str) -> OperatorRecord | Refusal:
        """Who this is; each wrong try counts, in the store, over all stations.

        Raises:
            StoreError: The store's key is missing, or the database refuses.
        """
        if not self.all():
            return Refusal(None)
        with self._database.writing(sign_in_tries) as connection:
            key = key_of(connection, self._key_file, str(self._database.address))
            waits = count_try(connection, _name_key(key, name), self._clock())
            if waits is not None:
                return Refusal(waits)
            row, store_id = _newest(connection, name), _store_id(connection)
        role, kept = (ROLES[0], None) if row is None else (row.role, row.pin_hash)
        known = is_pin(key, (store_id, folded(name), role), pin, kept)
        with self._database.writing(sign_in_tries) as connection:
            if not known or row is None or not row.is_active:
                return Refusal(locked_until(connection, _name_key(key, name)))
            forget_tries(connection, _name_key(key, name))
        return _record(row)

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._database.writing(operators, decisions, chain_keys, sign_in_tries)

    def _active(self, connection: Connection, name: str) -> Row[Any]:
        found = _newest(connection, name)
        if found is None or not found.is_active:
            raise StoreError(
                f"{name}: nobody of this name may sign in; `inspect operators list` shows who may."
            )
        return found

    def _change(
        self,
        connection: Connection,
        name: str,
        role: Role,
        by: str,
        *,
        pin: str | None,
        active: bool = True,
    ) -> OperatorRecord:
        """Write how somebody is from now on."""
        now = self._clock()
        key = own_key(connection, self._key_file, str(self._database.address), now)
        owner = (_store_id(connection), folded(name), role)
        values = {
            "name": name,
            "folded": folded(name),
            "role": role,
            "is_active": active,
            "pin_hash": None if pin is None else hash_pin(key, owner, pin),
            "changed_at": now,
            "changed_by": by,
        }
        forget_tries(connection, _name_key(key, name))
        return _record(
            connection.execute(insert(operators).values(**values).returning(operators)).one()
        )


def _newest(connection: Connection, name: str) -> Row[Any] | None:
    try:
        clean_name(name)
    except StoreError:  # nobody can have such a name, and not every database takes it
        return None
    query = select(operators).where(operators.c.folded == folded(name))
    return connection.execute(query.order_by(operators.c.id.desc()).limit(1)).one_or_none()


def _newest_ids() -> Select[Any]:
    return select(func.max(operators.c.id)).group_by(operators.c.folded)


def _store_id(connection: Connection) -> str:
    return str(connection.execute(select(store_facts.c.store_id)).scalar_one())


def _name_key(key: ChainKey, name: str) -> str:
    return key.sign(b"a name tried\0" + folded(name).encode("utf-8", "surrogatepass"))


def _record(row: Row[Any]) -> OperatorRecord:
    return OperatorRecord(
        **{name: row._mapping[name] for name in OperatorRecord.__dataclass_fields__}
    )
