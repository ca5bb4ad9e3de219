"""What the first process does before training: folder, images, cache and layout, and what is said.

The others learn it as text: they train on the same files.
"""

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from span_train.contract.errors import RunError
from span_train.contract.framing import reference_hash
from span_train.contract.layout import save_layout
from span_train.contract.settings import LineSettings, dump_settings, settings_from_dict
from span_train.data.cache import cache_file
from span_train.data.kept_array import open_kept
from span_train.data.line_layout import make_layout
from span_train.data.masks_file import masks_file
from span_train.data.splits import LineImages, gather_images
from span_train.models.starting_weights import Start
from span_train.pretrain.resume import resumed_settings
from span_train.storage.lock import Taken, locked
from span_train.storage.run_folder import (
    STARTED,
    create_run,
    describe_machine,
    write_json,
    write_text,
)


@dataclass(frozen=True)
class Preparation:
    """What all processes need to know to train.

    Attributes:
        settings: The run's settings as `settings.yaml` will hold them.
        cache: The file of decoded images.
        masks: The file of the masks each image has of its own, if any.
        is_new: Whether the run starts, and `run.json` is still to be written.
        facts: What `run.json` will hold beside where and when it ran.
        remarks: What a user should know before training.
    """

    settings: dict[str, Any]
    cache: str
    masks: str | None
    is_new: bool
    facts: dict[str, Any]
    remarks: tuple[str, ...]

    def as_text(self) -> str:
        """For `from_text` in another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `as_text` gave."""
        found = json.loads(text)
        return cls(**{**found, "remarks": tuple(found["remarks"])})

    def line(self) -> LineSettings:
        """The settings of the run."""
        return settings_from_dict(self.settings, Path.cwd(), "the run's settings")


def prepare(
    settings: LineSettings, out: Path, stack: ExitStack, *, resume: bool, budgeted: bool
) -> Preparation:
    """Make, or open again, the run's folder, and everything training needs.

    Args:
        settings: The line as it is asked for now.
        out: The run folder.
        resume: Go on with the run that is there, or begin again one stopped before its first step.
        budgeted: Whether a time is to fix the number of steps.
        stack: Holds the run folder's lock until the run ends.

    Raises:
        InputError: Images, layout, settings or run folder do not fit.
    """
    is_new = _open_run(out, resume, stack)
    images = gather_images(settings)
    folder = settings.pretrain.cache or out / "cache"
    cache = cache_file(images.unlabelled, settings.input, folder, images.hashes)
    layout = make_layout(settings, open_kept(cache))
    reference = reference_hash(settings.input)
    digests = {"layout": layout.digest(), "images": images.digest(), "reference": reference}
    facts: dict[str, Any] = {}
    remarks: tuple[str, ...]
    if is_new:
        save_layout(layout, out)
        write_json(out / "images.json", sorted(images.hashes[path] for path in images.unlabelled))
        remarks = (*images.remarks, *_of_batch(settings, images))
        counts = {"unlabelled": len(images.unlabelled), "unreadable": len(images.unreadable)}
        facts = {**digests, "counts": counts}
    else:
        settings, remarks = resumed_settings(settings, out, digests, budgeted)
    masks = None
    if settings.pretrain.prior_weight > 0:
        masks, of_masks = masks_file(settings, layout, cache, folder)
        remarks = (*remarks, *of_masks)
    return Preparation(
        settings.model_dump(mode="json"),
        str(cache),
        None if masks is None else str(masks),
        is_new,
        facts,
        remarks,
    )


def describe_run(
    out: Path, settings: LineSettings, prepared: Preparation, start: Start, budget_s: float | None
) -> None:
    """Write the files that make a folder a run which can be resumed; `run.json` comes last."""
    write_text(out / "settings.yaml", dump_settings(settings))
    described = {"kind": "pretrain", **describe_machine(), **prepared.facts}
    described["remarks"] = [*prepared.remarks, *start.in_words()]
    described |= {"start": asdict(start), "budget_s": budget_s}
    write_json(out / "run.json", described)


def _open_run(out: Path, resume: bool, stack: ExitStack) -> bool:
    if resume and not (out / STARTED).is_file():
        raise RunError(f"{out}: holds no run to resume; start one without --resume.")
    if not resume:
        create_run(out, "pretrain")
    try:
        stack.enter_context(locked(out / ".lock", wait=False))
    except Taken:
        raise RunError(
            f"{out}: another process is writing this run; wait for it, or stop it first."
        ) from None
    except OSError as problem:
        raise RunError(f"{out}: cannot be written ({problem}); free space.") from None
    return not (out / "run.json").is_file()


def _of_batch(settings: LineSettings, images: LineImages) -> tuple[str, ...]:
    asked, found = settings.pretrain.batch_size, len(images.unlabelled)
    if asked <= found:
        return ()
    return (
        f"pretrain.batch_size {asked} is more than the {found} images to learn from: every step "
        f"takes all {found}",
    )
