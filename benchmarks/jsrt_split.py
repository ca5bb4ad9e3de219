"""The fixed split of the chest X-rays, and folders that hold just the images of one role.

The split lies in `xray_jsrt_split.json`: 50 test images, 40 to search settings on, the rest to
learn from, and three exemplars among these; how they were drawn stands in the file.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from span_train.contract.errors import InputError

SPLIT_FILE = Path(__file__).with_name("xray_jsrt_split.json")


@dataclass(frozen=True)
class Split:
    """Names of images without `.png`.

    Attributes:
        measured_on: Never learnt from in this study; their masks are the truth.
        learnt_from: All images that pretraining sees.
        exemplars: Of these, those whose masks teach the parts, one at a time.
        role: `test`, or `development` while settings are searched.
    """

    measured_on: tuple[str, ...]
    learnt_from: tuple[str, ...]
    exemplars: tuple[str, ...]
    role: str


def read_split(development: bool, file: Path = SPLIT_FILE) -> Split:
    """The split; while settings are searched, test images take no part at all.

    In the final study the development images are learnt from as well, without their masks.

    Raises:
        InputError: The file is damaged, or its roles overlap.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        test, held, train = (tuple(found[key]) for key in ("test", "development", "train"))
        exemplars = tuple(found["exemplars"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InputError(f"{file}: is no readable split ({problem}); restore it.") from None
    everything = (*test, *held, *train)
    if len(set(everything)) != len(everything) or not set(exemplars) <= set(train):
        raise InputError(f"{file}: roles overlap, or an exemplar is not learnt from; restore it.")
    if development:
        return Split(held, train, exemplars, "development")
    return Split(test, tuple(sorted((*train, *held))), exemplars, "test")


def check_data(data: Path, split: Split) -> None:
    """Make sure that every image is there.

    Raises:
        InputError: One is missing.
    """
    for stem in (*split.learnt_from, *split.measured_on):
        if not (data / "images" / f"{stem}.png").is_file():
            raise InputError(f"{data / 'images' / stem}.png: is missing; give JSRT with --data.")


def folder_of(stems: tuple[str, ...], data: Path, folder: Path) -> Path:
    """A folder with links to just these images, made or made again."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{stem}.png" for stem in stems}
    for link in folder.iterdir():
        if link.name not in wanted and link.is_symlink():
            link.unlink()
    for name in sorted(wanted):
        if not (folder / name).exists():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to((data / "images" / name).resolve())
    return folder
