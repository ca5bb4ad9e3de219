"""How many images in one run of the graph suit a processor: networks of several sizes, untrained.

    python benchmarks/graph_batches.py [--rounds 5] [--write PAGE.md]

Every network runs on one thread, all batch sizes in turns; processor time, which leaves out what
other programs took. The time of a run does not depend on what the weights are.
"""

import argparse
import itertools
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from markdown_table import table

from deploy.bench.machine import in_words, load, where_it_ran
from deploy.bundle.graph_outputs import GRAPH_INPUT
from deploy.export.onnx_file import finished, trace
from deploy.runtime.pieces import images_at_once
from deploy.runtime.session import GraphSession, open_session
from span_train.models.backbone import build_backbone
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import InspectionModel
from span_train.models.place_deviation import PlaceDeviation

NETWORKS = {  # side in pixels and width; patches of 8 pixels, 6 blocks
    "8x8 patches, 192 wide": (64, 192),
    "14x14, 192": (112, 192),
    "14x14, 384": (112, 384),
    "20x20, 192": (160, 192),
    "28x28, 192": (224, 192),
}
BATCHES = (1, 2, 3, 4, 8, 16)
_PARTS = ("a", "b", "c", "d")
_SMALLEST_TURN = 8  # images


def open_network(side_px: int, width: int) -> GraphSession:
    """The graph of an untrained network, on one thread of the processor."""
    backbone = build_backbone("small", side_px, width=width)
    patches = backbone.grid**2
    masks = torch.arange(patches)[None] * 4 // patches == torch.arange(4)[:, None]
    head = DefectHead(
        PlaceDeviation(width, 64, patches), masks, _PARTS, heads=backbone.heads, outputs=1, top_k=5
    )
    model = InspectionModel(backbone, head, (backbone.middle,), _PARTS).eval()
    return open_session(finished(trace(model).graph, {}), "cpu", threads=1)


def measure(graph: GraphSession, side_px: int, rounds: int) -> dict[int, float]:
    """Processor milliseconds an image, the median over rounds, by batch size."""
    times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    for turn, batch in itertools.product(range(rounds + 1), BATCHES):
        images = np.zeros((batch, side_px, side_px, 3), np.uint8)
        runs = max(1, _SMALLEST_TURN // batch)
        began = time.process_time()
        for _ in range(runs):
            graph.session.run(None, {GRAPH_INPUT: images})
        if turn:  # the first round warms up
            times[batch].append((time.process_time() - began) * 1e3 / runs / batch)
    return {batch: statistics.median(found) for batch, found in times.items()}


def page(found: dict[str, dict[int, float]], rounds: int, told: list[str]) -> str:
    """The results as Markdown."""
    lines = [
        (
            name,
            *(f"{times[batch]:.1f}" for batch in BATCHES),
            str(at_once := images_at_once(NETWORKS[name][0] // 8)),
            f"{times[max(b for b in BATCHES if b <= at_once)] / times[16] - 1:+.0%}",
        )
        for name, times in found.items()
    ]
    head = ("network", *(f"batch {batch}" for batch in BATCHES), "chosen", "against 16")
    where = "\n".join(told)
    return (
        "# How many images in one run of the graph\n\n"
        f"    python benchmarks/graph_batches.py --rounds {rounds}\n\n"
        "Processor milliseconds an image, on one thread. What a layer makes of a large batch has "
        "left the\nprocessor's cache when the next layer reads it. So a session on the CPU runs a "
        "batch in pieces of\nabout 600 patches, whoever asks; on a GPU it runs whole.\n\n"
        f"{table(head, lines)}\n```text\n{where}\n```\n"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    torch.manual_seed(0)
    before = load()
    found = {
        name: measure(open_network(side_px, width), side_px, asked.rounds)
        for name, (side_px, width) in NETWORKS.items()
    }
    told = [*in_words(where_it_ran()), f"programs that wanted a processor before: {before}"]
    text = page(found, asked.rounds, told)
    print(text)
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
