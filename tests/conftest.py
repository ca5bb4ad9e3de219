"""What many tests share: one small drawn line, and pictures written to files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from span_train.data.demo_data import draw_line

settings.register_profile("no_deadline", deadline=None)  # other work may slow a machine down
settings.load_profile("no_deadline")


@pytest.fixture(scope="session")
def drawn_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The line.yaml of a small drawn line: 24 unlabelled, 4 + 6 + 4 of each class; only read it."""
    folder = tmp_path_factory.mktemp("drawn")
    return draw_line(folder, seed=1, unlabelled=24, train=4, calibration=6, test=4)


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Write a small random picture below the test's folder; another seed gives other pixels."""

    def write(name: str, seed: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write
