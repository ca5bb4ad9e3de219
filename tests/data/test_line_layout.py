"""The layout a line asks for is made and drawn; one that does not fit the network is refused."""

from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import LayoutError
from span_train.contract.image import load_image
from span_train.contract.settings import read_settings
from span_train.data.layout_picture import colour_of, draw_layout
from span_train.data.line_layout import make_layout


def test_statistics_need_images(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("layout.source=statistics", "layout.parts=3"))
    with pytest.raises(ValueError, match="need the fitted images"):
        make_layout(settings, None)
    squares_nhwc = np.zeros((2, 64, 64, 3), np.uint8)
    assert make_layout(settings, squares_nhwc).names == ("region_1", "region_2", "region_3")


def test_a_layout_that_leaves_no_head_free_is_refused(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("model.heads=4",))
    with pytest.raises(LayoutError, match=r"4 parts .* 4 heads can hold 2"):
        make_layout(settings, None)


def test_a_part_below_one_patch_is_refused(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("model.patch_px=16",))
    with pytest.raises(LayoutError, match="less than one patch"):
        make_layout(settings, None)


def test_each_part_is_drawn_in_its_colour(drawn_line: Path) -> None:
    settings = read_settings(drawn_line)
    layout = make_layout(settings, None)
    assert settings.layout.exemplar is not None
    drawn = draw_layout(load_image(settings.layout.exemplar), layout)
    assert drawn.shape == (640, 900, 3)
    for place in range(4):
        picture, legend = drawn[:, :640], drawn[:, 640:]
        assert (picture == colour_of(place)).all(axis=2).any()
        assert (legend == colour_of(place)).all(axis=2).sum() > 100


def test_a_picture_of_another_size_is_refused(drawn_line: Path) -> None:
    layout = make_layout(read_settings(drawn_line), None)
    with pytest.raises(ValueError, match="picture"):
        draw_layout(np.zeros((50, 50, 3), np.uint8), layout)
