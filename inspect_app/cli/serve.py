"""`inspect serve`: answer cells that send images over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_app.cli.options import AlsoStoreOption, ProviderOption, ThreadsOption

if TYPE_CHECKING:
    from deploy.runtime.inspector import Inspector
    from deploy.serving.service import Sink


def serve(
    bundle: Annotated[Path, typer.Option(help="The bundle that inspects.")],
    store: AlsoStoreOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's takes a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")
    ] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token senders must give; else INSPECT_TOKEN, if set."),
    ] = None,
    provider: ProviderOption = "auto",
    threads: ThreadsOption = 0,
    max_batch: Annotated[int, typer.Option(min=1, help="Most images in one run.")] = 16,
    max_wait_ms: Annotated[
        float, typer.Option(min=0.0, help="How long a run waits for images being read.")
    ] = 2.0,
    queue: Annotated[
        int, typer.Option(min=1, help="Most requests worked on; one more gets 503.")
    ] = 64,
    max_mb: Annotated[int, typer.Option(min=1, help="Size of one image file, in MiB.")] = 32,
) -> None:
    """Inspect images that are sent over HTTP, several at a time.

    POST /inspect takes the bytes of an image file (?source=, ?name=, ?maps=true) and gives verdict,
    reason, z and contributions as JSON; GET /healthz, /metrics (Prometheus) and /openapi.json tell
    the rest. With a store, each image is in it before its sender is answered.

    Serves this machine only, unless told otherwise and given a token (header Authorization: Bearer
    TOKEN). It does not encrypt: put a TLS proxy before it in a network you do not trust. Ctrl-C and
    SIGTERM end it after what was accepted is answered.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 usage, 3 a wrong bundle, store or token, no token
    where one is needed, or the port is taken.

    Example: inspect serve --bundle bundle --store sqlite:///line.db
    """
    import os
    import warnings

    from deploy.runtime.inspector import Inspector
    from deploy.serving.admission import TOKEN_VARIABLE, check_host, read_token
    from deploy.serving.app import make_app
    from deploy.serving.server import serve as serve_app
    from deploy.serving.service import InspectionService, ServingLimits

    warnings.filterwarnings("ignore", module=r"PIL\.")  # a sender is told what is wrong
    token = read_token(token_file, os.environ.get(TOKEN_VARIABLE))
    check_host(host, token)
    limits = ServingLimits(
        queue=queue, max_batch=max_batch, max_wait_ms=max_wait_ms, max_bytes=max_mb << 20
    )
    with ExitStack() as stack:
        inspector = Inspector.open(bundle, provider, threads)
        inspector.warm_up(max_batch)
        sink = _open_store(stack, store, inspector)
        service = stack.enter_context(InspectionService(inspector, limits, sink))
        told = f"{inspector.bundle.label} on {inspector.provider}"
        serve_app(
            make_app(service, token),
            host,
            port,
            lambda address: typer.echo(f"Serving {told}: {address}  (Ctrl-C stops it)"),
        )


def _open_store(stack: ExitStack, url: str | None, inspector: Inspector) -> Sink | None:
    if url is None:
        return None
    from inspect_app.store.writer import open_store

    writer = stack.enter_context(open_store(url))
    writer.register_bundle(inspector.bundle)
    return writer.add
