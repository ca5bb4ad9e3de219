"""Choose the image that stands for a line: the one most like the mean of the others."""

from collections.abc import Sequence
from pathlib import Path

from span_train.check.look import look_at_all
from span_train.check.pose import measure_pose
from span_train.contract.errors import InputError
from span_train.contract.settings import InputSettings, LineSettings, read_settings
from span_train.data.catalog import find_images

_MOST_LOOKED_AT = 50
_RUN_SETTINGS = "settings.yaml"


def typical_image(images: Sequence[Path], settings: InputSettings) -> Path | None:
    """The most typical of up to 50 images, evenly spaced, as they lie before any alignment.

    None where fewer than two can be read.
    """
    some = images[:: -(-len(images) // _MOST_LOOKED_AT)]
    unaligned = settings.model_copy(update={"align": "off"})
    seen = look_at_all(some, unaligned, lambda what, done, total: None)
    if len(seen.images) < 2:
        return None
    return seen.images[measure_pose(seen.thumbnails).typical].path


def with_typical_reference(settings: LineSettings, run: Path | None = None) -> LineSettings:
    """The settings with an image to align to, where the line aligns and names none.

    Args:
        run: An earlier run of the line: the image that it aligned to is taken, and none is chosen.

    Raises:
        InputError: Fewer than two images can be read.
        SettingsError: The run's settings cannot be read.
    """
    how = settings.input
    if how.align == "off" or how.reference is not None:
        return settings
    if run is not None and (run / _RUN_SETTINGS).is_file():
        reference = read_settings(run / _RUN_SETTINGS).input.reference
    else:
        reference = typical_image(find_images(settings.images), how)
    if reference is None:
        raise InputError(
            f"{settings.name}: input.align needs an image to align to, and fewer than two of the "
            "line's images can be read to choose the most typical one; name one as "
            "input.reference."
        )
    aligned = how.model_copy(update={"reference": reference})
    return settings.model_copy(update={"input": aligned})
