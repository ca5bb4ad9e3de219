"""Images and masks are moved alike, within the stated limits, and the same again by seed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from moved_images import LARGEST_SHIFT, LARGEST_TURN_DEG, SCALES, Move, main, move_of, moved
from PIL import Image

STILL = Move(0.0, 0.0, 1.0, 0.0)


def scene(side: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """A bright square on grey, and its mask."""
    mask = np.zeros((1, side, side), bool)
    mask[0, 30:60, 40:70] = True
    image = np.full((side, side, 3), 90, np.uint8)
    image[mask[0]] = 200
    return image, mask


def test_draws_fill_their_ranges_and_never_leave_them() -> None:
    moves = [move_of(f"image-{number}", 0) for number in range(2000)]
    for values, low, high in (
        ([m.shift_x for m in moves], -LARGEST_SHIFT, LARGEST_SHIFT),
        ([m.shift_y for m in moves], -LARGEST_SHIFT, LARGEST_SHIFT),
        ([m.scale for m in moves], *SCALES),
        ([m.turn_deg for m in moves], -LARGEST_TURN_DEG, LARGEST_TURN_DEG),
    ):
        quarters = np.histogram(values, bins=4, range=(low, high))[0]
        assert quarters.sum() == 2000
        assert (np.abs(quarters - 500) < 100).all()


def test_a_move_follows_from_seed_and_name_alone() -> None:
    assert move_of("a", 0) == move_of("a", 0)
    assert len({move_of("a", 0), move_of("b", 0), move_of("a", 1)}) == 3


def test_standing_still_changes_nothing() -> None:
    image, mask = scene()
    picture, masks = moved(image, mask, STILL)
    assert np.array_equal(picture, image)
    assert np.array_equal(masks, mask)


def test_a_shift_goes_right_and_down_by_its_share_of_the_side() -> None:
    image, mask = scene()
    picture, masks = moved(image, mask, Move(0.1, 0.05, 1.0, 0.0))
    assert np.array_equal(masks[0, 35:65, 50:80], np.ones((30, 30), bool))
    assert masks.sum() == 900
    assert (picture[masks[0]] == 200).all()


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_the_mask_stays_on_its_part(name: str) -> None:
    image, mask = scene()
    picture, masks = moved(image, mask, move_of(name, 0))
    seen = picture[:, :, 0] > 145
    assert (seen ^ masks[0]).sum() <= 6
    assert masks.sum() == pytest.approx(900 * move_of(name, 0).scale ** 2, rel=0.05)


def test_scaling_and_turning_are_about_the_middle() -> None:
    matrix = Move(0.0, 0.0, 0.85, 10.0).matrix(101, 201)
    assert matrix @ [100, 50, 1] == pytest.approx([100, 50])
    assert np.sqrt(np.linalg.det(matrix[:, :2])) == pytest.approx(0.85)


def test_what_was_outside_is_reflection_for_images_and_nothing_for_masks() -> None:
    image = np.tile(np.arange(100, dtype=np.uint8)[None, :, None], (100, 1, 3))
    picture, masks = moved(image, np.ones((1, 100, 100), bool), Move(0.1, 0.0, 1.0, 0.0))
    assert picture[50, :11, 0].tolist() == list(range(10, -1, -1))
    assert not masks[0, :, :10].any()
    assert masks[0, :, 10:].all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("square", "empty"):
        (tmp_path / "masks" / part).mkdir(parents=True)
    (tmp_path / "images").mkdir()
    image, mask = scene()
    for name in ("one", "two"):
        Image.fromarray(image).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(mask[0]).convert("L").save(tmp_path / "masks" / "square" / f"{name}.png")
        Image.new("L", (100, 100)).save(tmp_path / "masks" / "empty" / f"{name}.png")
    return tmp_path


def words(folder: Path, out: str, *more: str) -> list[str]:
    given = ["--masks", str(folder / "masks"), "--out", str(folder / out)]
    return [str(folder / "images"), *given, *more]


def test_a_folder_is_written_that_can_be_evaluated(folder: Path) -> None:
    assert main(words(folder, "moved")) == 0
    assert main(words(folder, "again")) == 0
    assert main(words(folder, "other", "--seed", "1")) == 0
    first = cv2.imread(str(folder / "moved" / "images" / "one.png"))
    assert np.array_equal(first, cv2.imread(str(folder / "again" / "images" / "one.png")))
    assert not np.array_equal(first, cv2.imread(str(folder / "other" / "images" / "one.png")))
    written = json.loads((folder / "moved" / "moves.json").read_text(encoding="utf-8"))
    assert list(written["moves"]) == ["one", "two"]
    mask = cv2.imread(str(folder / "moved" / "masks" / "square" / "two.png"), 0)
    assert ((first[:, :, 0] > 145).sum(), set(np.unique(mask))) == (
        pytest.approx(900 * written["moves"]["one"]["scale"] ** 2, rel=0.05),
        {0, 255},
    )
    assert list((folder / "moved" / "masks" / "empty").iterdir()) == []


def test_some_images_are_moved_as_all_would_be(folder: Path) -> None:
    (folder / "list.txt").write_text("two\n", encoding="utf-8")
    assert main(words(folder, "all")) == 0
    assert main(words(folder, "some", "--only", str(folder / "list.txt"))) == 0
    assert [file.name for file in (folder / "some" / "images").iterdir()] == ["two.png"]
    both = [(folder / out / "images" / "two.png").read_bytes() for out in ("all", "some")]
    assert both[0] == both[1]


def test_what_does_not_fit_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "list.txt").write_text("three\n", encoding="utf-8")
    (folder / "full").mkdir()
    (folder / "full" / "kept").touch()
    for asked, said in (
        (words(folder, "full"), "full: is not empty; choose another --out."),
        (words(folder, "out", "--only", str(folder / "list.txt")), "three is no image of"),
        (words(folder, "out", "--masks", str(folder / "no")), "no: holds no mask; expected <part>"),
        (words(folder, "out", "--only", str(folder / "none.txt")), "No such file"),
    ):
        assert main(asked) == 3
        assert said in capsys.readouterr().err
