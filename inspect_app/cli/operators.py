"""`inspect operators`: who may sign in at the station, in which role."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from inspect_app.cli.options import StoreOption

if TYPE_CHECKING:
    from inspect_app.store.operators import Operators
    from inspect_app.store.records import OperatorRecord

Action = Literal["add", "list", "disable", "pin"]
RoleName = Literal["operator", "reviewer", "engineer"]


def operators(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    store: StoreOption,
    name: Annotated[
        str | None, typer.Argument(help="Whom to add, disable, or give another PIN.")
    ] = None,
    role: Annotated[RoleName, typer.Option(help="What a new one may do.")] = "operator",
    sign_on: Annotated[
        bool,
        typer.Option("--sign-on", help="A new one has no PIN, but signs in with this account."),
    ] = False,
    chain_key: Annotated[
        Path | None,
        typer.Option(envvar="INSPECT_CHAIN_KEY", help="The key file that seals decisions."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Add operators, list them, disable one, or give one another PIN.

    An operator decides, a reviewer also settles what others decided, an engineer may all. Add an
    engineer first. The PIN, 6 to 12 digits, is asked for without showing it, or read as one line
    from standard input; it is never part of a command. Rows stay, each with who changed what when.

    Who signs in with a company account (inspect station --sign-on) is added under the name that the
    account has, usually its e-mail address; with --sign-on no PIN is asked for.

    Exit codes: 0 done, 2 usage, 3 no such store or name, a name that is taken, a PIN that is easily
    guessed, or another key than the store's.

    Example: inspect operators add Anna --role engineer --store sqlite:///line.db
    """
    from inspect_app.store import StoreReader

    if (name is None) != (action == "list"):
        raise typer.BadParameter("add, disable and pin take a NAME, list takes none.")
    if sign_on and action != "add":
        raise typer.BadParameter("--sign-on goes with add.")
    with StoreReader(store, chain_key=chain_key) as reader:
        if name is None:
            _list(reader.operators.all(), as_json)
            return
        typer.echo(_change(reader.operators, action, name, role, sign_on))


def _change(
    operators: "Operators", action: Action, name: str, role: RoleName, sign_on: bool
) -> str:
    """Do it, and say what was done."""
    by = _user()
    if action == "disable":
        return f"{operators.disable(name, by).name} may sign in no more."
    if action == "pin":
        return f"{operators.set_pin(name, _read_pin(), by).name} has another PIN."
    added = operators.add(name, role, None if sign_on else _read_pin(), by)
    how = " with this account" if sign_on else ""
    return f"{added.name} may sign in{how} as {added.role}."


def _read_pin() -> str:
    if sys.stdin.isatty():
        pin: str = typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
        return pin.strip()
    return sys.stdin.readline().strip()


def _user() -> str:
    """Who is at the command line, as the machine knows them."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _list(found: "list[OperatorRecord]", as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps([_as_json(one) for one in found], indent=1, ensure_ascii=False))
        return
    for one in found:
        state = one.role if one.is_active else "disabled"
        typer.echo(f"{one.name}  {state}  since {one.changed_at:%Y-%m-%d}, by {one.changed_by}")
    if not found:
        typer.echo("Nobody yet; inspect operators add NAME --role engineer adds the first one.")


def _as_json(one: "OperatorRecord") -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "is_active": one.is_active,
        "changed_at": one.changed_at.isoformat(),
        "changed_by": one.changed_by,
    }
