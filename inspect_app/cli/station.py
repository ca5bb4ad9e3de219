"""`inspect station`: the operator's web page over a store."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer


def station(
    store: Annotated[
        str,
        typer.Option(
            envvar="INSPECT_STORE_URL", help="The store to show: sqlite:///FILE or postgresql://…"
        ),
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    sign_out_after: Annotated[
        str, typer.Option(help="Sign operators out after such a time without a press: 90s, 15m.")
    ] = "15m",
    language: Annotated[
        Literal["en", "de"],
        typer.Option(envvar="INSPECT_LANGUAGE", help="Until another one is chosen in the page."),
    ] = "en",
    sign_on: Annotated[
        Path | None,
        typer.Option(help="TOML file of an OpenID Connect provider."),
    ] = None,
    no_browser: Annotated[bool, typer.Option(help="Do not open a web browser.")] = False,
    chain_key: Annotated[
        Path | None,
        typer.Option(envvar="INSPECT_CHAIN_KEY", help="The key file that seals decisions."),
    ] = None,
) -> None:
    """Show scored parts with verdict and evidence, and keep what the operator decides.

    Reads the store that `inspect score --store` writes, and appends decisions to it. Serves this
    machine only (127.0.0.1), sends nothing out, and runs until Ctrl-C.

    To decide, operators sign in with name and PIN (inspect operators adds them); parts and verdicts
    are seen without that. With --sign-on they may sign in with their company account as well; the
    file holds client_id, client_secret and server_metadata_url, and may name another `claim` than
    email. The provider must know http://127.0.0.1:PORT/oauth2callback as the way back.

    Keys: P pass, K recheck, F fail, left and right arrow to step, N next undecided part,
    L follow the newest part, R reason, E evidence, H the next head, Z zoom, O outlines of the
    parts, X a good part beside it, S sign in.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 usage, 3 no such store, or the port is taken.

    Example: inspect station --store sqlite:///line.db
    """
    from inspect_app.cli.durations import seconds
    from inspect_app.station.serve import LANGUAGE_VARIABLE, SIGN_OUT_VARIABLE, serve_station
    from inspect_app.station.sign_on import read_sign_on
    from inspect_app.store import StoreReader
    from inspect_app.store.chain_key import KEY_VARIABLE

    os.environ[LANGUAGE_VARIABLE] = language
    os.environ[SIGN_OUT_VARIABLE] = str(seconds(sign_out_after))
    vouching = None if sign_on is None else read_sign_on(sign_on)
    StoreReader(store, chain_key=chain_key).close()
    if chain_key is not None:  # its path, not the key, goes to the server
        os.environ[KEY_VARIABLE] = str(chain_key.resolve())

    def ready(address: str) -> None:
        typer.echo(f"Station: {address}  (Ctrl-C stops it)")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve_station(store, port, ready, vouching)
