"""Every line in configs/ is readable, starts at its own folder, and names no machine."""

from pathlib import Path

import pytest

from span_train.contract.settings import read_settings
from span_train.data.line_layout import make_layout

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
XRAY = next(path for path in CONFIGS if path.stem == "xray")


@pytest.mark.parametrize("line", CONFIGS, ids=lambda path: path.stem)
def test_a_config_is_valid_and_commented(line: Path) -> None:
    settings = read_settings(line)
    assert settings.name
    text = line.read_text(encoding="utf-8")
    paths = [word.strip("[],'\"") for word in text.split() if "/" in word]
    assert not [path for path in paths if path.startswith(("/", "~"))]
    assert text.count("#") >= 5


def test_the_xray_exemplar_picks_its_own_masks() -> None:
    settings = read_settings(XRAY)
    if settings.layout.masks is None or not settings.layout.masks.is_dir():
        pytest.skip(f"{settings.layout.masks} is not there")
    assert make_layout(settings, None).names == ("heart", "left_lung", "right_lung")
