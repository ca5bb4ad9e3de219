"""What tests of drawings share: a line of drawn transistors, and a desk on it."""

from pathlib import Path

import pytest

from inspect_app.layout_drawing.desk import Desk, open_desk
from tests.layout_drawing.transistor import transistor_line


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A line without a layout; may be changed."""
    return transistor_line(tmp_path / "line", images=6)


@pytest.fixture
def desk(line: Path) -> Desk:
    """The line on the desk, with its first image as exemplar."""
    return open_desk(line, exemplar=line.parent / "images" / "reel_000.png")
