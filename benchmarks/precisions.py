"""Export a run in float32, float16 and int8, and measure what each costs and gains.

    python benchmarks/precisions.py --run RUN --out DIR [--threads 1] [--write PAGE.md]

Each bundle is exported once into DIR and used again. Verdicts and AUROC are those of the test
split of the line, which no export looks at; times are taken in turns, in one process. DIR gets
precisions.json.
"""

import argparse
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from markdown_table import table
from paired_auroc import auroc, auroc_gain

from deploy.bench.machine import in_words, load, where_it_ran
from deploy.bench.turns import Task, Timing, time_in_turns
from deploy.bundle.graph_outputs import Precision
from deploy.bundle.read import Bundle, open_bundle
from deploy.export.parity import ask_graph
from deploy.export.run import ExportOptions, export_run
from deploy.runtime.agreement import verdicts
from deploy.runtime.session import GraphSession, ProviderChoice, open_bundle_session
from span_train.contract.errors import GateMissed
from span_train.contract.image import fit, load_image
from span_train.data.splits import gather_images
from span_train.finetune.run import load_trained

BATCHES = (1, 16)
Squares = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Measured:
    """One precision, beside float32 on the same images.

    Attributes:
        rounded: Which parts of the network are in that precision.
        megabytes: Size of the graph.
        flips: Images whose verdict differs.
        largest_z, mean_z: How far z moves: at most, and on average with its sign.
        auroc: Of z.
        gain: AUROC less that of float32, with its 95 % interval over images.
        timings: By batch size.
    """

    precision: str
    rounded: str
    megabytes: float
    images: int
    flips: int
    largest_z: float
    mean_z: float
    auroc: float
    gain: tuple[float, float, float]
    timings: dict[int, Timing]


def export_all(run: Path, folder: Path, max_flips: float) -> tuple[dict[str, Bundle], list[str]]:
    """The bundle of each precision, and why there is none."""
    bundles, refused = {}, []
    for precision in get_args(Precision):
        place = folder / f"{precision}.zip"
        try:
            if not place.exists():
                export_run(run, place, ExportOptions(precision, max_flips))
            bundles[precision] = open_bundle(place)
        except GateMissed as problem:
            refused.append(f"{precision}: {problem}")
    return bundles, refused


def held_out(run: Path) -> tuple[Squares, npt.NDArray[np.bool_]]:
    """(N, S, S, 3) images of the test split, and which of them are defective."""
    settings = load_trained(run).settings
    how, images = settings.input, gather_images(settings).test
    squares = [
        fit(load_image(i.path, window=how.window, max_pixels=how.max_pixels), how.side_px, how.fit)
        for i in images
    ]
    return (
        np.stack([square for square, _ in squares]),
        np.array([image.label != settings.good_class for image in images]),
    )


def measure(
    bundles: dict[str, Bundle],
    squares: Squares,
    defective: npt.NDArray[np.bool_],
    graphs: dict[str, GraphSession],
    timings: dict[str, Timing],
) -> list[Measured]:
    """Compare every precision with float32."""
    answers = {name: ask_graph(graph, squares) for name, graph in graphs.items()}
    z = {name: outputs["logits"][:, 0].astype(np.float64) for name, outputs in answers.items()}
    said = {name: verdicts(answers[name], bundles[name].policy) for name in graphs}
    rows = []
    for name, bundle in bundles.items():
        moved, gain = z[name] - z["float32"], auroc_gain(z[name], z["float32"], defective)
        pairs = zip(said[name], said["float32"], strict=True)
        rows.append(
            Measured(
                name,
                _rounded(bundle),
                len(bundle.model_bytes) / 1e6,
                len(squares),
                sum(one != other for one, other in pairs),
                float(np.abs(moved).max()),
                float(moved.mean()),
                auroc(z[name], defective),
                (gain.value, gain.low, gain.high),
                {batch: timings[f"{name} {batch}"] for batch in BATCHES},
            )
        )
    return rows


def time_all(
    graphs: dict[str, GraphSession], squares: Squares, rounds: int, seconds: float
) -> dict[str, Timing]:
    """Time each graph with each batch size, in turns."""
    tasks = {
        f"{name} {batch}": Task(lambda graph=graph, batch=batch: graph.run(squares[:batch]), batch)
        for name, graph in graphs.items()
        for batch in BATCHES
    }
    return time_in_turns(tasks, rounds, seconds)


def page(rows: Sequence[Measured], told: dict[str, Any]) -> str:
    """What was measured, as a page."""
    base = rows[0].timings
    head = ["", "graph", "verdicts that differ", "largest change of z", "AUROC", "change, 95 %"]
    head += [f"batch {batch}" for batch in BATCHES]
    lines = [
        [
            row.precision,
            f"{row.megabytes:.1f} MB",
            f"{row.flips} of {row.images}",
            f"{row.largest_z:.2g}",
            f"{row.auroc:.4f}",
            f"{row.gain[0]:+.4f} [{row.gain[1]:+.4f}, {row.gain[2]:+.4f}]",
            *(
                f"{row.timings[batch].p50_ms:.1f} ms, "
                f"{row.timings[batch].images_per_s / base[batch].images_per_s:.2f}x"
                for batch in BATCHES
            ),
        ]
        for row in rows
    ]
    rounded = [f"- {row.precision}: {row.rounded}" for row in rows if row.rounded]
    refused = [f"- Refused: {reason}" for reason in told["refused"]]
    where = "\n".join(told["where"])
    return (
        "# Precisions of the exported graph\n\n"
        "Test images, which no export looks at; verdicts against those of the float32 graph. Times "
        f"are medians of one run of the graph on the {told['provider']} with {told['threads']} "
        "thread(s), taken in turns; x is the rate against float32.\n\n"
        f"{table(head, lines)}\n" + "\n".join([*rounded, *refused]) + f"\n\n```text\n{where}\n```\n"
    )


def _rounded(bundle: Bundle) -> str:
    with zipfile.ZipFile(bundle.folder) as archive:
        return str(json.loads(archive.read("parity.json"))["rounded"])


def main() -> None:
    """Read the command line, export, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect train`")
    parser.add_argument("--out", type=Path, required=True, help="folder of bundles and results")
    parser.add_argument("--max-flips", type=float, default=0.005)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--provider", choices=get_args(ProviderChoice), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    parser.add_argument("--write", type=Path, help="also write the page")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    bundles, refused = export_all(chosen.run, chosen.out, chosen.max_flips)
    squares, defective = held_out(chosen.run)
    graphs = {
        name: open_bundle_session(bundle, chosen.provider, chosen.threads)
        for name, bundle in bundles.items()
    }
    before = load()
    timings = time_all(graphs, squares, chosen.rounds, chosen.seconds)
    rows = measure(bundles, squares, defective, graphs, timings)
    told = {
        "where": in_words(where_it_ran()),
        "load": [before, load()],
        "provider": graphs["float32"].provider,
        "threads": chosen.threads,
        "refused": refused,
    }
    result = json.dumps(told | {"rows": [asdict(row) for row in rows]}, indent=1)
    (chosen.out / "precisions.json").write_text(result + "\n")
    text = page(rows, told)
    print(text)
    if chosen.write:
        chosen.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
