import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
from kill_scoring import Outcome, Run, measure

from tests.tiny_bundle import draw_part, save_image


@pytest.fixture
def scored(bundle_folder: Path, tmp_path: Path) -> Callable[[int], Outcome]:
    def score(kills: int) -> Outcome:
        asked = argparse.Namespace(kills=kills, seed=0)
        save_image(tmp_path / "real" / "0.png", draw_part(0))
        return measure(bundle_folder, tmp_path / "real", tmp_path / "work", 20, asked)

    return score


@pytest.mark.slow
def test_a_run_that_is_killed_once_ends_well(scored: Callable[[int], Outcome]) -> None:
    outcome = scored(1)
    assert outcome.mistakes == []
    assert len(outcome.kills) == 1
    assert (outcome.images, outcome.unreadable) == (20, 3)


@pytest.mark.slow
def test_an_image_that_is_lost_would_be_seen(
    scored: Callable[[int], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Run.names
    monkeypatch.setattr(
        Run, "names", lambda self: {kind: found[1:] for kind, found in names(self).items()}
    )
    outcome = scored(0)
    assert ".parquet: 19 rows, 19 images" in outcome.mistakes
