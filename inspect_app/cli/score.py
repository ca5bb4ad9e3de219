"""`inspect score`: score folders of images into tables, each image exactly once."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inspect_app.cli.options import AlsoStoreOption, ProviderOption
from inspect_app.cli.score_progress import scoring_progress
from inspect_app.cli.score_report import report
from span_train.contract.errors import GateMissed, InputError

if TYPE_CHECKING:
    from deploy.runtime.inspector import Inspector
    from deploy.scoring.image_files import ImageFiles
    from deploy.scoring.local import ScoreOptions
    from deploy.scoring.parts import PartOf
    from deploy.scoring.results import Sink
    from deploy.scoring.run import ImageList, ScoreSummary

_DONE_WITH_UNREADABLE = 5
_Which = Literal["none", "fail", "all"]


def score(
    bundle: Annotated[Path, typer.Option(help="The bundle that inspects.")],
    out: Annotated[
        list[Path],
        typer.Option(help="Results file: .parquet, .csv or .jsonl; may be given several times."),
    ],
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER...",
            help="Folders, image files, patterns like 'day*/**/*.png', s3:// or gs:// addresses.",
        ),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A list instead of folders: one path a line, or a .csv with image_path; - is "
            "standard input.",
        ),
    ] = None,
    store: AlsoStoreOption = None,
    provider: ProviderOption = "auto",
    batch_size: Annotated[
        int, typer.Option(min=0, help="Images in one run of the graph; 0: 16, or 64 on a GPU.")
    ] = 0,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads that read images; 0: one a processor, at most 16.")
    ] = 0,
    overlays: Annotated[
        _Which, typer.Option(help="Draw the evidence over these, as PNG.")
    ] = "none",
    overlays_dir: Annotated[
        Path | None, typer.Option(help="Where overlays go; needed with --overlays.")
    ] = None,
    maps: Annotated[
        Path | None, typer.Option(help="Folder for evidence and attention of each image, .npz.")
    ] = None,
    name_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="What names without suffix say: groups (?P<part_id>…), lot, line; parts get a "
            "table, with the verdict of their worst image.",
        ),
    ] = None,
    max_fail_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="End with code 4 above this share.")
    ] = None,
    max_recheck_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="The same for rechecks.")
    ] = None,
    max_unreadable_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="The same for unreadable files.")
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Here, or on a Ray cluster.")
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(envvar="RAY_ADDRESS", help="The cluster; without it, Ray starts here."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Workers on the cluster; 0: as many as fit.")
    ] = 0,
    worker_cpus: Annotated[int, typer.Option(min=1, help="Processors of each worker.")] = 1,
    worker_gpus: Annotated[
        float, typer.Option(min=0, help="GPUs of each worker; 0.5: two share one.")
    ] = 0.0,
    overwrite: Annotated[bool, typer.Option(help="Replace results files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score every image below some folders: one row an image, in order, unreadable ones too.

    Writes the results files when all is done, and until then a folder OUT.partial; files that
    could not be read are listed beside it, in OUT.unreadable.csv, and parts, where names tell them,
    in OUT.parts.csv. Killed at any moment and started
    again with the same arguments, it goes on where it was. Nothing leaves this machine, or the
    cluster.

    Exit codes: 0 done, 2 usage, 3 no image, a wrong bundle, or a place that cannot be written,
    4 a --max-...-rate was exceeded, 5 done with unreadable rows.

    Example: inspect score photos --bundle bundle --out results.parquet --max-fail-rate 0.05
    """
    from deploy.bundle.read import open_bundle
    from deploy.runtime.inspector import Inspector
    from deploy.scoring.cluster import ClusterOptions, score_on_cluster
    from deploy.scoring.gates import Gates
    from deploy.scoring.image_files import ImageFiles
    from deploy.scoring.local import ScoreOptions

    _check_usage(overlays, overlays_dir, engine, store, provider, worker_gpus)
    _keep_decoders_quiet()
    images, part_of = _images(folders or [], manifest), _part_of(name_pattern)
    _check_outside(overlays_dir, folders or [])
    opened, files = open_bundle(bundle), ImageFiles(overlays, overlays_dir, maps)
    if engine == "ray":
        asked = ClusterOptions(ray_address, workers, worker_cpus, worker_gpus, batch_size)
        cluster = replace(asked, overwrite=overwrite)
        with scoring_progress() as progress:
            summary = score_on_cluster(
                images,
                opened,
                out,
                files=files,
                part_of=part_of,
                options=cluster,
                progress=progress,
            )
    else:
        # One thread a run: several runs at a time use the processors better than a divided one.
        inspector = Inspector.open(opened, provider, threads=1)
        keep_images = files.need_images or store is not None
        how = ScoreOptions(batch_size, threads, overwrite=overwrite, keep_images=keep_images)
        summary = _score_here(images, inspector, out, files, store, part_of, how)
    missed = Gates(max_fail_rate, max_recheck_rate, max_unreadable_rate).missed(summary.counts)
    report(summary, opened.label, missed, as_json)
    if missed:
        raise GateMissed(f"{out[0]}: {'; '.join(missed)}.")
    if summary.counts["unreadable"]:
        raise typer.Exit(_DONE_WITH_UNREADABLE)


def _check_usage(
    overlays: _Which,
    overlays_dir: Path | None,
    engine: str,
    store: str | None,
    provider: str,
    worker_gpus: float,
) -> None:
    if (overlays == "none") != (overlays_dir is None):
        raise typer.BadParameter("give --overlays fail|all and --overlays-dir together.")
    if engine == "local":
        return
    if store is not None:
        raise typer.BadParameter("--store goes with --engine local: a store has one writer.")
    if provider != "auto" and (provider == "cuda") != (worker_gpus > 0):
        raise typer.BadParameter(
            f"--provider {provider} does not fit --worker-gpus {worker_gpus:g}; give workers GPUs "
            "for cuda, and none for cpu."
        )


def _keep_decoders_quiet() -> None:
    """Odd files get a row that says what is wrong; warnings about them would say it twice.

    And images are read on many threads already: none is to be divided among more.
    """
    import warnings

    import cv2

    warnings.filterwarnings("ignore", module=r"PIL\.")
    cv2.setNumThreads(1)


def _images(folders: list[str], manifest: str | None) -> ImageList:
    from deploy.scoring.list_file import ListToScore
    from deploy.scoring.listing import FoldersToScore

    if bool(folders) == (manifest is not None):
        raise typer.BadParameter("give folders of images, or a list of them with --manifest.")
    return FoldersToScore(folders) if manifest is None else ListToScore(manifest)


def _part_of(name_pattern: str | None) -> PartOf | None:
    from inspect_app.watch.name_pattern import NamePattern

    return None if name_pattern is None else NamePattern(name_pattern).part_of()


def _check_outside(overlays_dir: Path | None, folders: list[str]) -> None:
    place = None if overlays_dir is None else overlays_dir.resolve()
    for folder in folders:
        if place is not None and place.is_relative_to(Path(folder).resolve()):
            raise InputError(
                f"{overlays_dir}: lies inside {folder}, so overlays would be scored with the next "
                "run; choose another --overlays-dir."
            )


def _score_here(
    images: ImageList,
    inspector: Inspector,
    out: list[Path],
    files: ImageFiles,
    store: str | None,
    part_of: PartOf | None,
    how: ScoreOptions,
) -> ScoreSummary:
    from deploy.scoring.local import score_images
    from deploy.scoring.pipeline import Pace

    inspector.warm_up(Pace.fitting(inspector, how.batch_size).batch_size)
    with ExitStack() as stack:
        sinks, sink_name = _open_store(stack, store, inspector)
        sinks += files.sinks(inspector.bundle)
        return score_images(
            images,
            inspector,
            out,
            sinks=sinks,
            sink_name=sink_name,
            part_of=part_of,
            options=how,
            progress=stack.enter_context(scoring_progress()),
        )


def _open_store(
    stack: ExitStack, url: str | None, inspector: Inspector
) -> tuple[list[Sink], str | None]:
    if url is None:
        return [], None
    from inspect_app.store.writer import open_store

    writer = stack.enter_context(open_store(url))
    writer.register_bundle(inspector.bundle)
    return [writer.add], writer.address.sink_name
