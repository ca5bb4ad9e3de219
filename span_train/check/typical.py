"""Choose the image that stands for a line: the one most like the mean of the others."""

from collections.abc import Sequence
from pathlib import Path

from span_train.check.look import look_at_all
from span_train.check.pose import measure_pose
from span_train.contract.settings import InputSettings

_MOST_LOOKED_AT = 50


def typical_image(images: Sequence[Path], settings: InputSettings) -> Path | None:
    """The most typical of up to 50 images, evenly spaced; None where fewer than two can be read."""
    some = images[:: -(-len(images) // _MOST_LOOKED_AT)]
    seen = look_at_all(some, settings, lambda what, done, total: None)
    if len(seen.images) < 2:
        return None
    return seen.images[measure_pose(seen.thumbnails()).typical].path
