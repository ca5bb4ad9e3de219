from pathlib import Path
from typing import Any

import pytest
from linked_images import link_images
from score_speed import page

from tests.tiny_bundle import draw_part, save_image

WHERE = {
    "machine": {"processor": "A", "cpus": 2, "memory_gib": 8, "system": "Linux"},
    "versions": {"python": "3.11"},
    "git_commit": "abc",
    "created": "2026-01-01",
}


def turns(*rates: float, peak_mib: float = 300.0) -> list[dict[str, Any]]:
    return [
        {"images": 100, "wall_s": 100 / rate, "cpu_s": 1.5, "peak_mib": peak_mib} for rate in rates
    ]


@pytest.fixture
def found() -> dict[str, Any]:
    rounds = {
        "score": turns(80, 90, 100),
        "decode-only": turns(900, 900, 900),
        "session-only": turns(100, 100, 100),
        "plain-csv": turns(30, 30, 30),
        "plain-pandas": turns(20, 20, 20),
    }
    return {"where": WHERE, "load": 0.1, "provider": "cpu", "count": 100, "rounds": rounds}


def test_the_page_holds_the_ratios_of_the_medians(found: dict[str, Any]) -> None:
    text = page(found)
    assert "| score | 90.0 | 80.0–100.0 | 15.00 | 300 | 1.00 x |" in text
    assert "reaches 0.90 of the slower of its stages" in text
    assert "no more than 90 images/s" in text
    assert "is 3.0 times a plain loop that appends with csv, and 4.5 times one" in text
    assert "A, 2 processors, 8 GiB memory" in text


def test_memory_and_rows_are_told_where_they_were_measured(found: dict[str, Any]) -> None:
    assert "Peak memory" not in page(found)
    found["many"] = {"images": 20_000, "peak_mib": 315.0}
    found["rows"] = {"images": 100_000, "wall_s": 9.0, "peak_mib": 400.0}
    text = page(found)
    assert "300 MiB at 100 images, 315 MiB at 20,000 (+5.0%)" in text
    assert "100,000 rows written as Parquet, CSV and JSON lines and counted again in 9.0 s" in text


def test_links_go_round_the_real_images(tmp_path: Path) -> None:
    for number in range(3):
        save_image(tmp_path / "real" / f"{number}.png", draw_part(number))
    made = link_images(tmp_path / "real", tmp_path / "linked", 7)
    assert [image.name for image in made] == [f"{number:06d}.png" for number in range(7)]
    assert made[3].read_bytes() == (tmp_path / "real" / "0.png").read_bytes()
    assert link_images(tmp_path / "real", tmp_path / "linked", 7) == made
