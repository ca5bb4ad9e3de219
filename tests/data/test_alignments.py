"""How well images are aligned is found once, and kept for the images and settings it belongs to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from span_train.contract.align import Aligner
from span_train.contract.settings import InputSettings
from span_train.data.alignments import alignments_of
from span_train.data.drawn_parts import draw_part


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two drawn parts, and noise."""
    noise = np.random.default_rng(9).integers(0, 256, (64, 64, 3), np.uint8)
    images = [draw_part(np.random.default_rng(0)), draw_part(np.random.default_rng(1)), noise]
    found = [tmp_path / f"{place}.png" for place in range(3)]
    for image, path in zip(images, found, strict=True):
        Image.fromarray(image).save(path)
    return found


def test_a_part_is_told_from_noise_and_kept(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = InputSettings(side_px=32, align="ecc", reference=paths[0])
    found = alignments_of(paths, settings, tmp_path / "cache")
    assert found is not None
    assert found[0].confidence == pytest.approx(1, abs=1e-3)
    assert found[0].seen > 0.99
    assert found[1].confidence > 0.8 > 0.5 > found[2].confidence
    monkeypatch.setattr(Aligner, "find", lambda *_: pytest.fail("it was kept"))
    assert alignments_of(paths, settings, tmp_path / "cache") == found


def test_another_reference_is_aligned_to_anew(paths: list[Path], tmp_path: Path) -> None:
    for place in (0, 1):
        settings = InputSettings(side_px=32, align="ecc", reference=paths[place])
        found = alignments_of(paths, settings, tmp_path / "cache")
        assert found is not None
        assert found[place].confidence == pytest.approx(1, abs=1e-3)
        assert found[1 - place].confidence < 0.999


def test_nothing_is_aligned_where_the_line_does_not_ask_for_it(
    paths: list[Path], tmp_path: Path
) -> None:
    assert alignments_of(paths, InputSettings(side_px=32), tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()
