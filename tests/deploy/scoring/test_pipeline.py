import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.runtime.inspector import Inspector
from deploy.runtime.session import GraphSession
from deploy.scoring.local import ScoreOptions, score_folder
from deploy.scoring.pipeline import Pace, score_in_order
from deploy.scoring.results import ScoredImage

LONG_S = 60


@pytest.fixture
def places(tmp_path: Path, write_part: Callable[..., Path]) -> list[str]:
    return [str(write_part(tmp_path / "images" / f"{n:02d}.png", n)) for n in range(24)]


def test_batches_come_in_order_and_full_with_several_runs_at_a_time(
    places: list[str], inspector: Inspector
) -> None:
    Path(places[5]).write_bytes(b"")
    pace = Pace(batch_size=4, decoders=3, runners=3)
    batches = list(score_in_order(enumerate(places, start=100), inspector, pace))
    assert [len(batch) for batch in batches] == [4, 5, 4, 4, 4, 3]
    scored = [one for batch in batches for one in batch]
    assert [one.position for one in scored] == list(range(100, 124))
    assert [one.row.path for one in scored] == places
    for one, place in zip(scored, places, strict=True):
        if one.inspection is not None:
            assert one.inspection.z == pytest.approx(
                inspector.inspect(inspector.read(place)).z, abs=1e-5
            )


def test_reading_goes_on_while_the_graph_runs_and_the_graph_while_a_sink_works(
    places: list[str], inspector: Inspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later_image_is_read, later_batch_has_run = threading.Event(), threading.Event()
    runs = 0
    run, decode = GraphSession.run, Inspector.decode

    def waiting_run(self: GraphSession, images: np.ndarray) -> dict[str, np.ndarray]:
        nonlocal runs
        runs += 1
        assert later_image_is_read.wait(LONG_S), "nothing is read while the graph runs"
        if runs >= 2:
            later_batch_has_run.set()
        return run(self, images)

    def told_decode(self: Inspector, content: bytes, where: str) -> np.ndarray:
        if where == places[6]:
            later_image_is_read.set()
        return decode(self, content, where)

    def waiting_sink(scored: list[ScoredImage]) -> None:
        assert later_batch_has_run.wait(LONG_S), "the graph does not run while a sink works"

    monkeypatch.setattr(GraphSession, "run", waiting_run)
    monkeypatch.setattr(Inspector, "decode", told_decode)
    summary = score_folder(
        [tmp_path / "images"],
        inspector,
        [tmp_path / "r.csv"],
        sinks=[waiting_sink],
        options=ScoreOptions(batch_size=4, threads=2, keep_images=False),
    )
    assert summary.images == 24


def test_the_pace_fits_the_machine(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.scoring.pipeline.usable_processors", lambda: 24)
    assert Pace.fitting(inspector) == Pace(16, 16, 24)
    assert Pace.fitting(inspector, 8, 3, True) == Pace(8, 3, 24, True)
    on_gpu = replace(inspector, graph=replace(inspector.graph, provider="cuda"))
    assert Pace.fitting(on_gpu) == Pace(64, 16, 2)
