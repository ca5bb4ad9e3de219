"""Options that several commands share, so that they mean and say the same everywhere."""

from typing import Annotated, Literal

import typer

StoreOption = Annotated[
    str,
    typer.Option(envvar="INSPECT_STORE_URL", help="The store: sqlite:///FILE or postgresql://…"),
]
AlsoStoreOption = Annotated[
    str | None,
    typer.Option(
        envvar="INSPECT_STORE_URL",
        help="Also put inspections here: sqlite:///FILE or postgresql://…",
    ),
]
ProviderOption = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="Where to run; cuda is an error where it is not there."),
]
ThreadsOption = Annotated[
    int, typer.Option(min=0, help="Threads of one run on the CPU; 0: what is free to use.")
]
