"""Operators: added, given PINs and disabled; who gives the right PIN gets in, nobody else."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, text, update

from inspect_app.store import StoreReader, open_store, pins
from inspect_app.store import operators as operators_module
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.operators import Operators, Refusal
from inspect_app.store.records import OperatorRecord, Role
from inspect_app.store.schema import operators as operators_table
from inspect_app.store.sign_in_tries import FREE_TRIES, LONGEST_WAIT
from span_train.contract.errors import StoreError

PIN, OTHER_PIN = "408213", "951372"
Door = Callable[..., Operators]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Monday morning, until a test lets time pass."""
    return Clock()


@pytest.fixture(scope="module", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hashes that take no time; what they cost for real, one test looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "_hasher", PasswordHasher(1, 8, 1))
        patch.setattr(pins, "_NOBODYS", pins._hasher.hash(""))
        yield


@pytest.fixture(scope="module")
def with_anna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with Anna, an engineer; only copy it."""
    file = tmp_path_factory.mktemp("with_anna") / "line.db"
    open_store(str(file)).close()
    with StoreReader(str(file)) as store:
        store.operators.add("Anna", "engineer", PIN, by="root@line3")
    return file


@pytest.fixture
def door(with_anna: Path, url: str, clock: Clock) -> Iterator[Operators]:
    """The operators of a store: Anna, an engineer."""
    shutil.copyfile(with_anna, url.removeprefix("sqlite:///"))
    with StoreReader(url, clock=clock) as store:
        yield store.operators


def refused(answer: OperatorRecord | Refusal) -> Refusal:
    """The answer, which must be a refusal."""
    assert isinstance(answer, Refusal)
    return answer


def try_wrong(door: Operators, name: str = "Anna", times: int = FREE_TRIES) -> Refusal:
    """Give a wrong PIN so many times; what was said at the end."""
    for _ in range(times):
        answer = refused(door.sign_in(name, OTHER_PIN))
    return answer


def test_the_right_pin_tells_who_it_is_on_both_databases(any_url: str) -> None:
    open_store(any_url).close()
    with StoreReader(any_url) as store:
        store.operators.add("Jörg  Müller", "reviewer", PIN, by="root")
        answer = store.operators.sign_in("  jörg müller ", PIN)
        assert isinstance(answer, OperatorRecord)
        assert (answer.name, answer.role) == ("Jörg Müller", "reviewer")
        assert refused(store.operators.sign_in("Jörg Müller", OTHER_PIN)).wait_until is None
        assert refused(store.operators.sign_in("x\0y\ud800", PIN)).wait_until is None


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("operator", {"operator"}),
        ("reviewer", {"operator", "reviewer"}),
        ("engineer", {"operator", "reviewer", "engineer"}),
    ],
)
def test_a_role_may_what_the_lower_ones_may(door: Operators, role: Role, may: set[Role]) -> None:
    added = door.add("Ben", role, PIN, by="root")
    roles: tuple[Role, ...] = ("operator", "reviewer", "engineer")
    assert {one for one in roles if added.may(one)} == may


def test_who_is_disabled_gets_in_no_more_and_may_nothing(door: Operators) -> None:
    disabled = door.disable("anna", by="root")
    assert not disabled.may("operator")
    assert refused(door.sign_in("Anna", PIN)).wait_until is None
    back = door.add("Anna", "operator", OTHER_PIN, by="root")
    assert isinstance(door.sign_in("Anna", OTHER_PIN), OperatorRecord)
    assert back.role == "operator"


@pytest.mark.parametrize("pin", ["", "None", PIN])
def test_who_has_no_pin_is_let_in_by_none(door: Operators, pin: str) -> None:
    added = door.add("rita@plant.example", "reviewer", None, by="root")
    assert added.may("reviewer")
    refused(door.sign_in("rita@plant.example", pin))


def test_a_new_pin_takes_the_place_of_the_old_one_and_ends_waiting(door: Operators) -> None:
    assert try_wrong(door).wait_until is not None
    door.set_pin("Anna", "770124", by="root")
    assert isinstance(door.sign_in("Anna", "770124"), OperatorRecord)
    refused(door.sign_in("Anna", PIN))


def test_after_five_wrong_pins_even_the_right_one_waits(door: Operators, clock: Clock) -> None:
    assert try_wrong(door, times=FREE_TRIES - 1).wait_until is None
    until = refused(door.sign_in("Anna", OTHER_PIN)).wait_until
    assert until == clock.now + timedelta(minutes=1)
    assert refused(door.sign_in("Anna", PIN)).wait_until == until
    clock.now += timedelta(seconds=61)
    assert isinstance(door.sign_in("Anna", PIN), OperatorRecord)
    assert try_wrong(door, times=FREE_TRIES - 1).wait_until is None  # counted anew


def test_waiting_doubles_up_to_an_hour(door: Operators, clock: Clock) -> None:
    waits = []
    until = try_wrong(door).wait_until
    for _ in range(8):
        assert until is not None
        waits.append(until - clock.now)
        clock.now = until
        until = try_wrong(door, times=1).wait_until
    assert waits[:3] == [timedelta(minutes=minutes) for minutes in (1, 2, 4)]
    assert waits[-1] == LONGEST_WAIT


def test_waiting_outlives_the_process_and_holds_at_every_station(
    door: Operators, url: str, clock: Clock
) -> None:
    until = try_wrong(door).wait_until
    with StoreReader(url, clock=clock) as other:
        assert refused(other.operators.sign_in("ANNA", PIN)).wait_until == until


def test_a_name_that_nobody_has_waits_just_the_same(door: Operators, clock: Clock) -> None:
    known, unknown = try_wrong(door), try_wrong(door, "Nobody")
    assert known == unknown
    assert known.wait_until is not None


def test_an_unknown_name_takes_a_hash_as_well(
    door: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str | None] = []
    real = operators_module.is_pin

    def counting(key: object, owner: object, pin: str, kept: str | None) -> bool:
        judged.append(kept)
        return real(key, owner, pin, kept)  # type: ignore[arg-type]

    monkeypatch.setattr(operators_module, "is_pin", counting)
    door.sign_in("Anna", OTHER_PIN)
    door.sign_in("Nobody", OTHER_PIN)
    assert len(judged) == 2
    assert judged[1] is None


def test_many_guesses_at_once_are_no_more_than_five(
    door: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    monkeypatch.setattr(operators_module, "is_pin", lambda *_: judged.append(1) is not None)
    guesses = [threading.Thread(target=door.sign_in, args=("Anna", f"{n:06}")) for n in range(20)]
    for guess in guesses:
        guess.start()
    for guess in guesses:
        guess.join()
    assert len(judged) == FREE_TRIES


@pytest.mark.parametrize(
    "pin",
    [
        "", "12345", "1234567890123", "123456", "654321", "000000", "111111", "121212", "12a456",
        "١٢٣٤٥٦", "４０８２１３", "-40821", "40 8213", "408213\n", "' OR 1=1 --", "\0" * 6,
    ],
)  # fmt: skip
def test_a_pin_that_is_no_good_is_refused_when_it_is_set(door: Operators, pin: str) -> None:
    with pytest.raises(StoreError, match="PIN"):
        door.add("Ben", "operator", pin, by="root")
    with pytest.raises(StoreError, match="PIN"):
        door.set_pin("Anna", pin, by="root")
    assert [one.name for one in door.all()] == ["Anna"]


@pytest.mark.parametrize(
    "pin",
    [
        "", " ", f"{PIN} ", f"{PIN}0", PIN[:-1], "４０８２１３", f"{PIN}\0", "' OR '1'='1",
        '"; DROP TABLE operators; --', "%", "_" * 6, "9" * 100_000, "\ud800",
    ],
)  # fmt: skip
def test_only_the_pin_itself_opens(door: Operators, pin: str) -> None:
    refused(door.sign_in("Anna", pin))
    assert isinstance(door.sign_in("Anna", PIN), OperatorRecord)


@pytest.mark.parametrize(
    "name",
    [
        "", "   ", "x" * 81, "An\0na", "Anna\u200b", "\u202eannA", "Anna\r\n\x1b[2J", "\ufeffAnna",
        "\ud800",
    ],
)  # fmt: skip
def test_a_name_with_something_invisible_is_refused(door: Operators, name: str) -> None:
    if name == "Anna\r\n\x1b[2J":
        name = "Anna\x1b[2J"
    with pytest.raises(StoreError, match="name"):
        door.add(name, "operator", PIN, by="root")
    refused(door.sign_in(name, PIN))


@pytest.mark.parametrize("name", ["anna", "ANNA", " Anna ", "Ａｎｎａ", "Anna"])
def test_a_name_that_looks_like_one_there_is_taken(door: Operators, name: str) -> None:
    with pytest.raises(StoreError, match="already"):
        door.add(name, "operator", OTHER_PIN, by="root")


@pytest.mark.parametrize(
    "name", ["' OR 1=1 --", "Anna'; DROP TABLE operators; --", "%", "A%", "_nna", "../../etc"]
)
def test_a_name_is_text_and_nothing_else(door: Operators, name: str) -> None:
    refused(door.sign_in(name, PIN))
    added = door.add(name, "operator", OTHER_PIN, by="root")
    assert (added.name, added.role) == (name, "operator")
    assert isinstance(door.sign_in("Anna", PIN), OperatorRecord)


def test_neither_pin_nor_name_tried_lies_in_the_database(door: Operators, tmp_path: Path) -> None:
    door.sign_in(PIN, "Anna")  # a PIN typed into the wrong field
    door.sign_in("Anna", OTHER_PIN)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("line.db*") if path.is_file())
    assert b"$argon2id$" in content
    assert PIN.encode() not in content
    assert OTHER_PIN.encode() not in content


def test_a_hash_copied_to_another_name_or_role_opens_nothing(door: Operators, url: str) -> None:
    door.add("Mallory", "operator", OTHER_PIN, by="root")
    with (
        open_database(store_address(url), ChainKeyFile()) as database,
        database.writing(operators_table) as connection,
    ):
        row = connection.execute(
            text("SELECT * FROM operators WHERE name = 'Mallory'")
        ).mappings().one()  # fmt: skip
        forged = {**row, "changed_at": datetime.now(UTC)}
        del forged["id"]
        connection.execute(insert(operators_table).values(**forged | {"role": "engineer"}))
        anna = {"name": "Anna", "folded": "anna", "role": "engineer"}
        connection.execute(insert(operators_table).values(**forged | anna))
    refused(door.sign_in("Mallory", OTHER_PIN))
    refused(door.sign_in("Anna", OTHER_PIN))


def test_another_key_opens_nothing(door: Operators, url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    ChainKeyFile(other).load_or_make()
    with (
        StoreReader(url, chain_key=other) as store,
        pytest.raises(StoreError, match="copy that key's file"),
    ):
        store.operators.sign_in("Anna", PIN)


def test_what_was_before_stays(any_url: str) -> None:
    open_store(any_url).close()
    with StoreReader(any_url) as store:
        store.operators.add("Anna", "operator", PIN, by="root")
        store.operators.disable("Anna", by="Ben")
    with open_database(store_address(any_url), ChainKeyFile()) as database:
        with database.reading() as connection:
            rows = connection.execute(operators_table.select()).all()
            assert [(row.is_active, row.changed_by) for row in rows] == [
                (True, "root"),
                (False, "Ben"),
            ]
        with (
            pytest.raises(StoreError, match="immutable"),
            database.writing(operators_table) as connection,
        ):
            connection.execute(update(operators_table).values(role="engineer"))


def test_a_store_without_operators_lets_nobody_in_and_needs_no_key(
    url: str, tmp_path: Path
) -> None:
    open_store(url).close()
    with StoreReader(url, chain_key=tmp_path / "none.key") as store:
        assert store.operators.sign_in("Anna", PIN) == Refusal(None)
    assert not (tmp_path / "none.key").exists()


def test_a_real_hash_is_costly_to_guess_through_and_nobodys_costs_the_same() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from inspect_app.store.pins import _NOBODYS, _hasher\n"
            "print(_NOBODYS, _hasher.hash('123456'))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    nobodys, somebodys = done.stdout.split()
    assert nobodys.startswith("$argon2id$v=19$m=65536,t=3,p=1$")  # RFC 9106, second choice
    assert somebodys.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
