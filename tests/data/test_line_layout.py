"""The layout a line asks for is made; one that does not fit the network is refused."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from span_train.contract.errors import ImageError, LayoutError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.line_layout import (
    layout_background,
    make_layout,
    masks_of_images,
    read_exemplars,
)

DRAWN = ("body", "left_lead", "marking", "right_lead")


def squares(settings: LineSettings, count: int = 6) -> npt.NDArray[np.uint8]:
    folder = settings.images[0]
    paths = sorted(folder.glob("*.png"))[:count]
    side_px = settings.input.side_px
    return np.stack([fit(load_image(path), side_px, "stretch")[0] for path in paths])


@pytest.mark.parametrize("source", ["statistics", "intensity"])
def test_what_comes_from_images_needs_them(drawn_line: Path, source: str) -> None:
    settings = read_settings(drawn_line, (f"layout.source={source}",))
    with pytest.raises(ValueError, match=f"{source} needs the fitted images"):
        make_layout(settings, None)


def test_statistics_give_as_many_parts_as_asked_for(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("layout.source=statistics", "layout.parts=3"))
    layout = make_layout(settings, np.zeros((2, 32, 32, 3), np.uint8))
    assert layout.names == ("region_1", "region_2", "region_3")


def test_auto_never_asks_for_more_parts_than_the_network_holds(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("layout.source=statistics", "layout.parts=auto"))
    layout = make_layout(settings, squares(settings)[:, ::4, ::4])
    assert 2 <= len(layout.names) <= 4


@pytest.mark.parametrize(
    ("count", "heads", "expected"),
    [(3, 6, "found 3 images"), (8, 3, "room for 1 parts in a network with 3 heads")],
)
def test_auto_with_nothing_to_choose_from_is_refused(
    drawn_line: Path, count: int, heads: int, expected: str
) -> None:
    settings = read_settings(
        drawn_line, ("layout.source=statistics", "layout.parts=auto", f"model.heads={heads}")
    )
    with pytest.raises(LayoutError, match=f"{expected}.*set layout.parts"):
        make_layout(settings, np.zeros((count, 32, 32, 3), np.uint8))


def test_brightness_gives_masks_for_each_image_and_their_mean(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("layout.source=intensity", "layout.reach_patches=1.0"))
    images = squares(settings)
    layout = make_layout(settings, images)
    masks = np.empty((6, 4, 64, 64), np.uint8)
    assert masks_of_images(settings, layout, images, masks) is None
    assert (layout.names, layout.source) == (DRAWN, "intensity")
    assert np.abs(layout.masks_khw - masks.mean(axis=0) / 255).max() < 0.01
    drawn = make_layout(read_settings(drawn_line), None).fitted(64, "stretch")
    for place in (DRAWN.index("left_lead"), DRAWN.index("right_lead")):
        told, lead = layout.masks_khw[place], drawn[place]
        assert np.minimum(told, lead).sum() / np.maximum(told, lead).sum() > 0.6


@pytest.mark.parametrize("source", ["exemplar", "statistics"])
def test_other_layouts_are_carried_over_to_each_image(drawn_line: Path, source: str) -> None:
    settings = read_settings(drawn_line, (f"layout.source={source}", "layout.parts=3"))
    images = squares(settings)
    layout = make_layout(settings, images)
    all_of_them, two = (np.empty((n, len(layout.names), 64, 64), np.uint8) for n in (6, 2))
    said = masks_of_images(settings, layout, images, all_of_them)
    assert said is not None
    masks_of_images(settings, layout, images[:2], two, images)
    assert np.array_equal(two, all_of_them[:2])
    shared = np.minimum(all_of_them / 255, layout.fitted(64, "stretch")).sum()
    assert shared / (all_of_them / 255).sum() > 0.7


def test_boxes_need_no_exemplar(drawn_line: Path) -> None:
    box = "{pin: {shade: bright, box: [0.25, 0.25, 0.75, 0.75]}}"
    settings = read_settings(
        drawn_line,
        (
            "layout.source=intensity",
            "layout.exemplar=null",
            "layout.masks=null",
            f"layout.intensity={box}",
        ),
    )
    images = squares(settings)
    assert make_layout(settings, images).names == ("pin",)
    assert layout_background(settings, make_layout(settings, images)).shape == (64, 64, 3)


def test_a_layout_that_leaves_no_head_free_is_refused(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("model.heads=4",))
    with pytest.raises(LayoutError, match=r"4 parts .* 4 heads can hold 2"):
        make_layout(settings, None)


def test_a_timm_network_with_too_few_heads_is_refused_before_it_is_built(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("model.name=vit_tiny_patch16_224",))
    with pytest.raises(LayoutError, match=r"3 heads can hold 1: .* model with more heads"):
        make_layout(settings, None)


def test_a_part_below_one_patch_is_refused(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("model.patch_px=16",))
    with pytest.raises(LayoutError, match="less than one patch"):
        make_layout(settings, None)


def test_several_exemplars_are_averaged_in_the_first_ones_frame(
    drawn_line: Path, tmp_path: Path
) -> None:
    given = drawn_line.parent
    picture = load_image(given / "exemplar.png")
    cv2.imwrite(str(tmp_path / "first.png"), picture)
    cv2.imwrite(str(tmp_path / "second.png"), cv2.resize(picture, (48, 32)))
    for file in (given / "masks").glob("*.png"):
        mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        folder = tmp_path / "masks" / file.stem
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "first.png"), mask)
        small = cv2.resize(mask, (48, 32), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / "second.png"), small)
    exemplars = f"[{tmp_path / 'first.png'}, {tmp_path / 'second.png'}]"
    settings = read_settings(
        drawn_line, (f"layout.exemplar={exemplars}", f"layout.masks={tmp_path / 'masks'}")
    )
    both, alone = make_layout(settings, None), make_layout(read_settings(drawn_line), None)
    assert both.masks_khw.shape == alone.masks_khw.shape
    assert np.abs(both.masks_khw - alone.masks_khw).mean() < 0.02
    assert any("second.png (48x32) is stretched" in remark for remark in both.remarks)
    assert layout_background(settings, both).shape == picture.shape
    assert len(read_exemplars(settings)) == 2


def test_an_exemplar_that_is_no_image_is_refused(drawn_line: Path) -> None:
    settings = read_settings(drawn_line, ("layout.exemplar=labels.csv",))
    with pytest.raises(ImageError, match=r"labels\.csv"):
        make_layout(settings, None)
