"""The page on the speed of checking says what was measured, and whether the promise is kept."""

from pathlib import Path
from typing import Any

import pytest
from check_speed import draw_images, page

from span_train.contract.image import load_image

WHERE = {
    "machine": {"processor": "A", "cpus": 2, "memory_gib": 8, "system": "Linux"},
    "versions": {"python": "3.11"},
    "git_commit": "abc",
    "created": "2026-01-01",
}


def found(wall_s: float) -> dict[str, Any]:
    runs = [
        {
            "images": count,
            "wall_s": seconds,
            "cpu_s": 40.0,
            "peak_mib": mib,
            "private_mib": private_mib,
            "pairs_compared": 3,
        }
        for count, seconds, mib, private_mib in (
            (5000, wall_s / 4, 400.0, 300.0),
            (20000, wall_s, 478.125, 325.0),
        )
    ]
    return {"where": WHERE, "load": 0.1, "side_px": 512, "kb_an_image": 80.0, "runs": runs}


def test_rate_and_growth_are_those_of_the_runs() -> None:
    text = page(found(80.0))
    assert "| 20,000 | 250 | 80 | 2.0 | 478 | 325 | 3 |" in text
    assert "The promise of 200 images/s on two cores is kept (250)" in text
    assert "memory grew by 5.3 KiB an image, 1.7 of it private" in text


def test_a_promise_that_was_missed_is_said() -> None:
    assert "is not kept (100)" in page(found(200.0))


def test_every_drawn_file_is_another_image(tmp_path: Path) -> None:
    files = draw_images(tmp_path / "drawn", 3, 64)
    assert len({file.read_bytes() for file in files}) == 3
    assert load_image(files[0]).shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["check_speed.json", "check_speed.md"])
def test_the_page_names_the_files_it_writes(name: str) -> None:
    assert name in page(found(80.0))
