"""Put what was measured into a table for people."""

from deploy.bench.machine import in_words
from deploy.bench.run import BenchReport
from deploy.bench.turns import Timing

_WIDTH = 30


def as_lines(report: BenchReport) -> list[str]:
    """The report as lines: what ran where, a row for each stage, cold start, memory, caution."""
    bundle = report.bundle
    return [
        f"{bundle['name']} ({bundle['bundle_id'][:8]}), {bundle['precision']}, "
        f"{bundle['side_px']} px, "
        f"{report.images} images of {report.image_px[0]}x{report.image_px[1]} px in turn",
        *in_words(report.where),
        f"{report.processors} processors may be used; load {_number(report.load_before)} before, "
        f"{_number(report.load_after)} after; {report.plan.rounds} rounds in turns",
        "",
        f"{'':<{_WIDTH}}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'images/s':>10}  rounds' rates",
        *_rows(report),
        "",
        *_starts(report),
        *_cautions(report),
    ]


def _rows(report: BenchReport) -> list[str]:
    rows = [
        _row("decode a file", report.decode),
        _row("fit it", report.fit),
        _row(f"decode and fit, {report.decoders} threads", report.decode_and_fit, latency=False),
    ]
    for one in report.graph:
        rows.append(_row(f"graph on {one.provider}, batch {one.batch}", one.timing))
    for whole in report.whole:
        rows.append(_row(f"file to verdict on {whole.provider}", whole.one_by_one))
    return rows


def _row(name: str, timing: Timing, latency: bool = True) -> str:
    times = (timing.p50_ms, timing.p95_ms, timing.p99_ms) if latency else (None, None, None)
    return (
        f"{name:<{_WIDTH}}"
        + "".join(f"{_number(one):>9}" for one in times)
        + f"{timing.images_per_s:>10.1f}  {timing.slowest_round:.1f} to {timing.fastest_round:.1f}"
    )


def _starts(report: BenchReport) -> list[str]:
    lines = []
    for whole in report.whole:
        start = whole.cold_start
        lines.append(
            f"cold start on {whole.provider}: {start.total_s:.2f} s from starting the process to "
            f"its first verdict (libraries {start.import_s:.2f}, bundle and graph "
            f"{start.open_s:.2f}, first image {start.first_image_s:.2f}; median of "
            f"{report.plan.starts})"
        )
    for one in report.graph:
        lines.append(
            f"peak memory on {one.provider}, batch {one.batch}: {_number(one.peak_mib)} MiB"
        )
    return lines


def _cautions(report: BenchReport) -> list[str]:
    busy = report.load_before is not None and report.load_before > 0.25 * report.processors
    few = any(one.timing.p99_ms is None for one in report.graph)
    return [
        *(
            ["note: other programs were running; times are worse than they need be."]
            if busy
            else []
        ),
        *(["note: - stands where there were too few calls; raise --seconds."] if few else []),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"
