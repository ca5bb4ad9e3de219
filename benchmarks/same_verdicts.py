"""Ask torch, the local engine, a Ray cluster and HTTP about the same images, and count verdicts.

    python benchmarks/same_verdicts.py --run RUN --bundle BUNDLE --images FOLDER [--count 1000]
        [--write PAGE.md]

BUNDLE was exported from RUN. Torch runs the network of the run in batches of its own; the others
have the bundle alone. Exit code 0 where no verdict differs from torch's, else 4.
"""

import argparse
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from cells import let_cells_send, server
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from deploy.export.parity import ask_network
from deploy.runtime.inspector import Inspector
from deploy.scoring.cluster import ClusterOptions, score_on_cluster
from deploy.scoring.list_file import ListToScore
from deploy.scoring.listing import list_images
from deploy.scoring.local import score_images
from span_train.finetune.run import load_trained

_CELLS = 4
Answers = dict[str, tuple[str, float]]


@dataclass(frozen=True)
class Compared:
    """One way to a verdict, beside torch on the same images.

    Attributes:
        flips: Names of images whose verdict differs.
        z_apart: The largest difference of z.
    """

    way: str
    images: int
    flips: tuple[str, ...]
    z_apart: float


def torch_answers(run: Path, inspector: Inspector, images: list[Path]) -> Answers:
    """Verdict and z of each image by the network in torch."""
    trained = load_trained(run)
    squares = np.stack([inspector.fit(inspector.read(image)).square for image in images])
    names = [image.name for image in images]
    said = ask_network(trained.model, squares, names, trained.policy)
    z = said.outputs["logits"][:, 0].tolist()
    return dict(zip(names, zip(said.verdicts, z, strict=True), strict=True))


def scored(results: Path) -> Answers:
    """Verdict and z of each row."""
    rows = pq.read_table(results, columns=["path", "verdict", "z"]).to_pylist()
    return {Path(row["path"]).name: (row["verdict"], row["z"]) for row in rows}


def over_http(bundle: Path, images: list[Path]) -> Answers:
    """Verdict and z of each image, sent by several cells at once."""
    files = [image.read_bytes() for image in images]
    with server(bundle, ["--provider", "cpu"]) as port:
        said = let_cells_send(port, files, _CELLS, len(files))
    return {images[number].name: (one["verdict"], one["z"]) for number, one in said.answers}


def compare(way: str, expected: Answers, found: Answers) -> Compared:
    """How far some answers lie from those of torch."""
    assert found.keys() == expected.keys(), "every image gets one answer"
    return Compared(
        way,
        len(found),
        tuple(name for name, (verdict, _) in found.items() if verdict != expected[name][0]),
        max(abs(z - expected[name][1]) for name, (_, z) in found.items()),
    )


def measure(run: Path, bundle: Path, images: list[Path], place: Path) -> tuple[list[Compared], str]:
    """Ask all, and compare them with torch; how torch's verdicts are spread."""
    inspector = Inspector.open(bundle, "cpu", threads=1)
    expected = torch_answers(run, inspector, images)
    listed = place / "images.txt"
    listed.write_text("".join(f"{image.resolve()}\n" for image in images), encoding="utf-8")
    here, there = place / "local.parquet", place / "ray.parquet"
    score_images(ListToScore(str(listed)), inspector, [here])
    options = ClusterOptions(workers=2, chunk_rows=128)
    score_on_cluster(ListToScore(str(listed)), inspector.bundle, [there], options=options)
    said = {"`score`": scored(here), "`score --engine ray`, two workers": scored(there)}
    said[f"HTTP, {_CELLS} cells at once"] = over_http(bundle, images)
    verdicts = [verdict for verdict, _ in expected.values()]
    spread = ", ".join(f"{verdicts.count(name)} {name}" for name in ("pass", "recheck", "fail"))
    return [compare(way, expected, found) for way, found in said.items()], spread


def page(compared: list[Compared], spread: str, told: list[str]) -> str:
    """The results as Markdown."""
    lines = [
        (one.way, f"{len(one.flips)} of {one.images:,}", f"{one.z_apart:.1e}") for one in compared
    ]
    where = "\n".join(told)
    return (
        "# The same verdicts, whoever asks\n\n"
        "    python benchmarks/same_verdicts.py --run RUN --bundle BUNDLE --images FOLDER "
        f"--count {compared[0].images}\n\n"
        f"Solar cells, against the network in torch ({spread}); the graph in float32.\n\n"
        f"{table(('', 'verdicts that differ', 'largest change of z'), lines)}\n"
        f"```text\n{where}\n```\n"
    )


def main() -> int:
    """Ask, compare, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    images = [Path(one) for one in itertools.islice(list_images(asked.images), asked.count)]
    with tempfile.TemporaryDirectory() as place:
        compared, spread = measure(asked.run, asked.bundle, images, Path(place))
    text = page(compared, spread, in_words(where_it_ran()))
    print(text, *[one.flips for one in compared if one.flips], sep="\n")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 4 if any(one.flips for one in compared) else 0


if __name__ == "__main__":
    raise SystemExit(main())
