from pathlib import Path
from types import SimpleNamespace

import pytest
from cells import Sent, let_cells_send, server
from serve_latency import page, summarise

from deploy.runtime.inspector import Inspector


def test_what_cells_got_is_brought_to_percentiles_and_differences() -> None:
    expected = [SimpleNamespace(verdict="pass", z=-1.0), SimpleNamespace(verdict="fail", z=2.0)]
    answers = [(0, {"verdict": "pass", "z": -1.0}), (1, {"verdict": "recheck", "z": 1.75})] * 5
    sent = Sent(answers, [0.010] * 9 + [0.110], busy=3, wall_s=2.0)
    one = summarise(sent, expected, cells=4)
    assert (one.flips, one.z_apart, one.requests, one.busy) == (5, 0.25, 10, 3)
    assert (one.p50_ms, one.images_per_s) == (10.0, 5.0)
    assert 10.0 < one.p95_ms < one.p99_ms <= 110.0
    shown = {
        "served": [vars(one)],
        "without_http_images_per_s": 7.0,
        "load_before": 0.5,
        "where": {
            "machine": {"processor": "any", "cpus": 2, "memory_gib": 4, "system": "any"},
            "versions": {"python": "3.11"},
            "git_commit": None,
            "created": "now",
        },
    }
    assert "| 4 | 10.0 |" in page(shown)


@pytest.mark.slow
def test_cells_get_the_answer_of_their_own_image(
    bundle_folder: Path, part_folder: Path, inspector: Inspector
) -> None:
    files = [path.read_bytes() for path in sorted(part_folder.rglob("*.png"))]
    with server(bundle_folder, ["--provider", "cpu"]) as port:
        sent = let_cells_send(port, files, 3, 24)
    for number, answer in sent.answers:
        found = inspector.inspect(inspector.decode(files[number], "image"))
        assert answer["verdict"] == found.verdict
        assert answer["z"] == pytest.approx(found.z, abs=1e-5)
