"""What a run's network sees in images, for `inspect check`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from inspect_app.cli.main import app
from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings
from span_train.finetune.image_features import backbone_features, head_features
from span_train.finetune.run import train
from tests.conftest import TINY

Read = Callable[..., LineSettings]


def test_a_backbone_s_rows_are_equal_for_equal_images_and_others_for_others(
    tiny_line: Read, pretrained_run: Path
) -> None:
    settings = tiny_line()
    first, second, *_ = sorted(settings.images[0].glob("*.png"))
    rows = backbone_features(settings, pretrained_run)([first, second, first])
    assert np.array_equal(rows[0], rows[2])
    assert not np.allclose(rows[0], rows[1])
    assert rows.shape[1] % 16 == 0


def test_a_run_that_sees_images_in_another_way_is_refused(
    tiny_line: Read, pretrained_run: Path
) -> None:
    with pytest.raises(RunError, match="give a run of this line"):
        backbone_features(tiny_line("input.fit=crop"), pretrained_run)
    with pytest.raises(RunError, match="no finished"):
        head_features(tiny_line(), pretrained_run)


def test_check_tells_what_the_networks_find(
    tiny_line: Read,
    drawn_line: Path,
    pretrained_run: Path,
    tmp_path: Path,
) -> None:
    train(tiny_line(), pretrained_run, tmp_path / "run")
    tiny = [word for setting in TINY for word in ("--set", setting)]
    page = tmp_path / "check.html"
    result = CliRunner().invoke(
        app,
        [
            "check", str(drawn_line), *tiny, "--backbone", str(pretrained_run),
            "--run", str(tmp_path / "run"), "--html", str(page),
        ],
        catch_exceptions=False,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "to the network" in result.stdout
    assert "to look at" in page.read_text("utf-8")
