"""Read a file that seems finished, and notice where it is not, or cannot be read for now."""

from dataclasses import dataclass
from typing import Literal

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded, decode_content
from inspect_app.watch.finished_files import FileMark, Finished
from inspect_app.watch.hot_folder import HotFolder
from span_train.contract.errors import ImageError
from span_train.contract.image_bytes import check_size


@dataclass(frozen=True)
class NotNow:
    """Why a file was not read; none of this makes an inspection.

    Attributes:
        why: `gone`: it is no longer there. `changed`: it was written to meanwhile. `blocked`: it
            may not be opened, or its disk fails. `doubtful`: it cannot be decoded, but may still
            be growing.
        mark: Its present state.
        problem: What to tell of it.
    """

    finished: Finished
    why: Literal["gone", "changed", "blocked", "doubtful"]
    mark: FileMark | None = None
    problem: str = ""


@dataclass(frozen=True)
class ReadFile:
    """A file that was read, decodable or not."""

    finished: Finished
    decoded: Decoded


def read_finished(
    finished: Finished, position: int, folder: HotFolder, inspector: Inspector
) -> ReadFile | NotNow:
    """Read a file, and make sure that it is the same after reading as when it was seen to rest.

    Args:
        position: Its place among those read together.
    """
    path = folder.path / finished.key
    place = folder.source(finished.key)
    before = folder.mark(finished.key)
    if before != finished.mark:
        return NotNow(finished, "gone" if before is None else "changed", before)
    try:
        check_size(place, before.size_bytes, inspector.bundle.manifest.input.max_pixels)
        content = path.read_bytes()
    except ImageError as too_large:
        return ReadFile(finished, Decoded(position, place, None, None, None, str(too_large)))
    except FileNotFoundError:
        return NotNow(finished, "gone")
    except OSError as problem:
        return NotNow(finished, "blocked", before, f"{path}: cannot be read ({problem.strerror}).")
    after = folder.mark(finished.key)
    if after != before or len(content) != before.size_bytes:
        return NotNow(finished, "gone" if after is None else "changed", after)
    decoded = decode_content(content, position, place, inspector, keep_image=True)
    if decoded.fitted is None and not finished.sure:
        return NotNow(finished, "doubtful", before)
    return ReadFile(finished, decoded)
