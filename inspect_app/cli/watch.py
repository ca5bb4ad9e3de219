"""`inspect watch`: the line's own process, which inspects what falls into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inspect_app.cli.options import ProviderOption, ThreadsOption
from span_train.contract.errors import InputError

if TYPE_CHECKING:
    from deploy.runtime.inspector import Inspector
    from inspect_app.watch.heartbeat import Health
    from inspect_app.watch.take_away import TakeAway


def watch(
    folder: Annotated[Path, typer.Argument(metavar="HOTFOLDER", help="Where images fall.")],
    bundle: Annotated[Path, typer.Option(help="The bundle that inspects.")],
    store: Annotated[
        str, typer.Option(envvar="INSPECT_STORE_URL", help="Where inspections go: sqlite:///FILE.")
    ],
    after: Annotated[
        Literal["move", "keep", "delete"],
        typer.Option(
            help="What becomes of a file that is stored; unreadable ones are not deleted."
        ),
    ] = "move",
    bundles: Annotated[
        Path | None,
        typer.Option(
            help="Where bundles lie that an engineer may switch to; otherwise beside --bundle."
        ),
    ] = None,
    done: Annotated[
        Path | None,
        typer.Option(help="Where files are moved to, by day; otherwise HOTFOLDER.done."),
    ] = None,
    unreadable: Annotated[
        Path | None,
        typer.Option(help="Where unreadable ones go, by day; otherwise HOTFOLDER.unreadable."),
    ] = None,
    name_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="What names without suffix say: groups (?P<part_id>…), camera, lot, line.",
        ),
    ] = None,
    settle: Annotated[
        float, typer.Option(min=0.0, help="Seconds a file rests until it counts as finished.")
    ] = 0.3,
    patience: Annotated[
        float, typer.Option(min=0.0, help="Seconds one rests that cannot be decoded.")
    ] = 5.0,
    poll: Annotated[
        float,
        typer.Option(min=0.0, help="Look every so many seconds: for network shares. 0: inotify."),
    ] = 0.0,
    look: Annotated[
        float, typer.Option(min=0.1, help="Look through the folder this often all the same.")
    ] = 10.0,
    provider: ProviderOption = "auto",
    threads: ThreadsOption = 0,
    max_batch: Annotated[int, typer.Option(min=1, help="Most images in one run.")] = 8,
) -> None:
    """Inspect each image that falls into a folder, once, and put it into the store.

    Takes finished files only: those renamed in, or at rest for a while. Names that begin with . or
    ~ and files that are no images by name are left alone, and so are folders. An arrival is a name,
    the file's time and its content: the same name with other content is the next arrival, the same
    content under another name is inspected too and marked as a duplicate. Files leave the folder
    after they are in the store. Killed at any moment and started again, it goes on, nothing twice.

    A store that is down or full, and a folder that vanishes, are waited for. How it is doing stands
    in <store>.assets/watch/*.json, once a second. Ctrl-C and SIGTERM end it after the batch at
    hand. A bundle that is exchanged on disk is not taken up until the next start; an engineer may
    switch to another at the station: it is verified while the line goes on, taken between two
    batches, and kept over restarts until the watch is started with another --bundle.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 usage, 3 a wrong folder, bundle, store or pattern,
    or another watch has the folder.

    Example: inspect watch /line3/images --bundle bundle --store sqlite:///line.db
    """
    import logging
    import warnings
    from functools import partial

    from deploy.bundle.read import open_bundle
    from deploy.runtime.inspector import Inspector
    from deploy.scoring.results import path_text
    from inspect_app.store.writer import open_store
    from inspect_app.watch.heartbeat import Heartbeat, feed_name, lock_beside
    from inspect_app.watch.name_pattern import NamePattern
    from inspect_app.watch.next_bundle import NextBundle, prepared, to_start_with
    from inspect_app.watch.stop_request import stopped_by_signals
    from inspect_app.watch.watcher import Watcher, WatchOptions

    warnings.filterwarnings("ignore", module=r"PIL\.")  # the store says what is wrong with a file
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # a lost folder is told by us
    pattern = NamePattern(name_pattern)
    take_away = _take_away(folder, after, done, unreadable)
    options = WatchOptions(settle, patience, poll, look, max_batch)
    with stopped_by_signals() as stop, open_store(store) as writer:
        given, beside = open_bundle(bundle), bundles or bundle.absolute().parent
        last = writer.bundle_switches.last_taken(feed_name(path_text(take_away.folder.path)))
        inspector = Inspector.open(to_start_with(given, last, beside), provider, threads)
        inspector.warm_up(max_batch)
        writer.register_bundle(inspector.bundle)
        health = _health(take_away, inspector)
        open_next = partial(prepared, provider=provider, threads=threads, max_batch=max_batch)
        next_bundle = NextBundle(writer, beside, health, given, open_next)
        heartbeat = Heartbeat(writer.address.assets, health)
        typer.echo(
            f"Watching {take_away.folder.path} with {inspector.bundle.label} on "
            f"{inspector.provider}; files that are stored: {after}  (Ctrl-C stops it)"
        )
        Watcher(
            take_away,
            inspector,
            writer,
            heartbeat,
            _say,
            stop,
            pattern=pattern,
            options=options,
            next_bundle=next_bundle.after,
        ).run(lock_beside(writer.address.assets, health.folder))
    typer.echo(f"Stopped: {health.inspected} inspected, {health.unreadable} of them unreadable.")


def _take_away(
    folder: Path, after: Literal["move", "keep", "delete"], done: Path | None, bad: Path | None
) -> TakeAway:
    from deploy.scoring.whole_files import check_writable
    from inspect_app.watch.hot_folder import HotFolder
    from inspect_app.watch.take_away import TakeAway

    hot = HotFolder(folder)
    if hot.identity() is None:
        raise InputError(f"{folder}: is no folder; make it, or mount its share, and start again.")
    beside = [
        given.absolute() if given else hot.path.with_name(f"{hot.path.name}.{what}")
        for given, what in ((done, "done"), (bad, "unreadable"))
    ]
    for place in beside:
        if place == hot.path:
            raise InputError(f"{place}: is the watched folder itself; give another one.")
    for place in [] if after == "keep" else [hot.path, *beside]:
        try:
            check_writable(place)
        except InputError as problem:
            raise InputError(f"{problem} Or leave the files there: --after keep.") from None
    return TakeAway(hot, after, *beside)


def _health(take_away: TakeAway, inspector: Inspector) -> Health:
    from deploy.scoring.results import path_text
    from inspect_app.watch.heartbeat import Health, now_text

    bundle = inspector.bundle
    return Health(
        folder=path_text(take_away.folder.path),
        bundle_id=bundle.bundle_id,
        bundle=bundle.label,
        provider=inspector.provider,
        started_at=now_text(),
    )


def _say(text: str) -> None:
    """One line on stderr, which systemd keeps in its journal."""
    sys.stderr.write(f"inspect watch: {text}\n")
    sys.stderr.flush()
