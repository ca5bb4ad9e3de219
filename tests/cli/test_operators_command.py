"""`inspect operators`: the first engineer, PINs that no command line shows, the list."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inspect_app.store import StoreReader, open_store
from inspect_app.store.records import OperatorRecord

Run = Callable[..., tuple[int, str, str]]
PIN = "408213"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty store."""
    address = f"sqlite:///{tmp_path / 'line.db'}"
    open_store(address).close()
    return address


@pytest.fixture
def operators(
    run_inspect: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> Callable[..., tuple[int, str, str]]:
    """Run `inspect operators ARGUMENTS --store URL` with a PIN on standard input."""

    def run(*arguments: str, pin: str = PIN) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{pin}\n"))
        return run_inspect("operators", *arguments, "--store", url)

    return run


def test_the_first_engineer_is_made_from_the_command_line(operators: Run, url: str) -> None:
    assert "Nobody yet" in operators("list")[1]
    assert operators("add", "Anna", "--role", "engineer") == (
        0,
        "Anna may sign in as engineer.\n",
        "",
    )
    with StoreReader(url) as store:
        answer = store.operators.sign_in("Anna", PIN)
    assert isinstance(answer, OperatorRecord)
    assert answer.may("engineer")


def test_changes_are_listed_with_who_made_them(operators: Run) -> None:
    operators("add", "Ben")
    operators("add", "Anna", "--role", "reviewer")
    assert operators("disable", "ben")[1] == "Ben may sign in no more.\n"
    lines = operators("list")[1].splitlines()
    assert [line.split("  ")[:2] for line in lines] == [["Anna", "reviewer"], ["Ben", "disabled"]]
    told = json.loads(operators("list", "--json")[1])
    assert [one["is_active"] for one in told] == [True, False]
    assert all("@" in one["changed_by"] and "pin" not in str(one).lower() for one in told)


def test_another_pin_takes_the_place_of_the_first(operators: Run, url: str) -> None:
    operators("add", "Anna")
    assert operators("pin", "Anna", pin="770124")[0] == 0
    with StoreReader(url) as store:
        assert isinstance(store.operators.sign_in("Anna", "770124"), OperatorRecord)


def test_an_account_is_added_without_a_pin(operators: Run) -> None:
    added = operators("add", "rita@plant.example", "--sign-on", "--role", "reviewer", pin="")
    assert added == (0, "rita@plant.example may sign in with this account as reviewer.\n", "")


@pytest.mark.parametrize(
    ("arguments", "pin", "code", "said"),
    [
        (("add",), PIN, 2, "NAME"),
        (("pin", "Anna", "--sign-on"), PIN, 2, "goes with add"),
        (("list", "Anna"), PIN, 2, "NAME"),
        (("remove", "Anna"), PIN, 2, "remove"),
        (("add", "Anna", "--pin", PIN), PIN, 2, "No such option"),
        (("add", "Anna"), "123456", 3, "less regular"),
        (("add", "Anna"), "", 3, "6 to 12 digits"),
        (("pin", "Anna"), PIN, 3, "nobody of this name"),
        (("disable", "Anna"), PIN, 3, "nobody of this name"),
    ],
)
def test_what_does_not_fit_is_refused(
    operators: Run, arguments: tuple[str, ...], pin: str, code: int, said: str
) -> None:
    ended, _, problem = operators(*arguments, pin=pin)
    assert ended == code
    assert said in problem


class _Terminal(io.StringIO):
    """Standard input with somebody before it."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_pin_is_asked_for_twice_and_not_shown(
    run_inspect: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prompt(text: str, **how: bool) -> str:
        asked.append((text, how))
        return PIN

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin", _Terminal())
    assert run_inspect("operators", "add", "Anna", "--store", url)[0] == 0
    assert asked == [("PIN", {"hide_input": True, "confirmation_prompt": True})]
