from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deploy.export.check_images import check_images
from span_train.contract.errors import InputError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images
from span_train.finetune.run import TrainedLine


def test_the_calibration_split_is_compared_and_other_images_give_the_ranges(
    tiny_line: Callable[..., LineSettings],
) -> None:
    line = tiny_line()
    images, found = check_images(line), gather_images(line)
    assert images.split == "calibration"
    assert images.names == tuple(image.path.name for image in found.calibration)
    assert images.available == len(images.squares_nhwc) == 12
    assert images.defective is not None
    assert images.defective.sum() == 6
    compared = {square.tobytes() for square in images.squares_nhwc}
    assert not compared & {square.tobytes() for square in images.for_ranges_nhwc}
    first = load_image(found.calibration[0].path)
    assert np.array_equal(images.squares_nhwc[0], fit(first, line.input.side_px)[0])


def test_of_many_images_some_are_taken_at_equal_distances(
    tiny_line: Callable[..., LineSettings],
) -> None:
    every, some = check_images(tiny_line()), check_images(tiny_line(), most=4)
    assert some.names == every.names[::3]
    assert some.available == 12
    assert some.defective is not None
    assert len(some.defective) == len(some.squares_nhwc) == 4


def test_without_labels_half_of_the_images_are_compared(
    make_trained: Callable[..., TrainedLine],
) -> None:
    images = check_images(make_trained().settings)
    assert (images.split, images.available, images.defective) == ("unlabelled", 6, None)
    assert images.names[:2] == ("part_00.png", "part_02.png")
    assert len(images.for_ranges_nhwc) == 6


def test_images_that_are_gone_are_told(
    make_trained: Callable[..., TrainedLine], tmp_path: Path
) -> None:
    gone = make_trained().settings.model_copy(update={"images": (tmp_path / "gone",)})
    with pytest.raises(InputError, match="gone"):
        check_images(gone)
