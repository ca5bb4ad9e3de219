"""Hold a line's evidence to its word on every test image: it sums to z, and patches matter.

    python benchmarks/evidence.py demo/line/line.yaml --run demo/train --bundle demo/bundle

Sums are taken in torch and from the exported graph. Patches are removed and z asked again through
the graph, so the check is one of what goes to the line.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from deploy.bundle.read import open_bundle
from deploy.export.parity import ask_graph
from deploy.runtime.session import GraphSession, open_bundle_session
from span_train.contract.errors import InspectionError
from span_train.contract.settings import read_settings
from span_train.data.cache import image_cache
from span_train.data.splits import gather_images
from span_train.evaluate.deletion import Scores, Squares
from span_train.evaluate.report_words import deletion_in_words
from span_train.finetune.evidence_check import check_deletion
from span_train.finetune.run import load_trained
from span_train.finetune.scored import score_images
from span_train.storage.run_folder import write_json


def measure(line: Path, run: Path, bundle: Path) -> dict[str, Any]:
    """Sums in torch and in the graph, and the deletion check, as plain JSON values."""
    settings, trained = read_settings(line), load_trained(run)
    images, graph = gather_images(settings), open_bundle_session(open_bundle(bundle), "cpu")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        squares = np.array(image_cache([i.path for i in images.test], settings.input, cache))

        def z_of_graph(some: Squares) -> Scores:
            return np.asarray(ask_graph(graph, some)["logits"][:, 0], np.float64)

        return {
            "where": where_it_ran(),
            "images": len(squares),
            "torch": score_images(trained.model, squares).sum_gaps,
            "onnx": sum_gaps(graph, squares),
            "deletion": check_deletion(trained, images, cache, z_of_graph),
        }


def sum_gaps(graph: GraphSession, squares: Squares) -> dict[str, float]:
    """Largest distance between z and what the graph's outputs sum to."""
    said = {name: each.astype(np.float64) for name, each in ask_graph(graph, squares).items()}
    sums = {
        "contributions": said["contributions"][:, 0].sum(1),
        "evidence": said["evidence"][:, 0].sum((1, 2)),
    }
    z = said["logits"][:, 0] - said["bias"][0]
    return {name: float(np.abs(total - z).max()) for name, total in sums.items()}


def as_page(result: Mapping[str, Any]) -> str:
    """The result in words and tables."""
    sums = [
        [where, *(f"{result[where][name]:.1e}" for name in ("contributions", "evidence"))]
        for where in ("torch", "onnx")
    ]
    head = [f"largest gap to z over {result['images']} test images", "contributions", "evidence"]
    deletion = result["deletion"]
    lines = ["    " + line for line in in_words(result["where"])]
    return "\n".join([table(head, sums), *_removed(deletion), *lines])


def _removed(deletion: Mapping[str, Any] | None) -> list[str]:
    said = [deletion_in_words(deletion), ""]
    if deletion is None:
        return said
    counts = [str(count) for count in deletion["patches_removed"]]
    rows = [
        [name, *(_cell(at) for at in row["by_count"]), _cell(row["mean"])]
        for name, row in deletion["drop"].items()
    ]
    gains = [[name, _cell(gain)] for name, gain in deletion["gain_over"].items()]
    return [
        *said,
        table(["z falls when so many patches go", *counts, "mean"], rows),
        table(["evidence lowers z more than", "mean difference"], gains),
    ]


def _cell(measured: Mapping[str, Any]) -> str:
    low, high = measured["interval"]
    return f"{measured['value']:+.3f} [{low:+.3f}, {high:+.3f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code, 4 where evidence does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect train`")
    parser.add_argument("--bundle", type=Path, required=True, help="its bundle")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write the result here")
    asked = parser.parse_args(arguments)
    try:
        result = measure(asked.line, asked.run, asked.bundle)
    except InspectionError as problem:
        print(f"evidence: {problem}", file=sys.stderr)
        return problem.exit_code
    print(as_page(result))
    if asked.out is not None:
        write_json(asked.out, result)
    gaps = [gap for where in ("torch", "onnx") for gap in result[where].values()]
    holds = max(gaps) <= 1e-4 and (result["deletion"] is None or result["deletion"]["holds"])
    return 0 if holds else 4


if __name__ == "__main__":
    sys.exit(main())
