"""Divide a line's images fairly: pictures of one physical part stay on one side of every split."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from span_train.contract.errors import InputError, LabelError, SettingsError
from span_train.contract.settings import LineSettings, SplitSettings
from span_train.data.catalog import Survey, find_images, survey
from span_train.data.labels import (
    SPLIT_NAMES,
    LabelledImage,
    SplitName,
    listed,
    read_labels,
)
from span_train.data.scenes import find_scenes

Unit = list[LabelledImage]
GroupOf = Callable[[Path], str | None]


@dataclass(frozen=True)
class LineImages:
    """All images of a line, each in its role.

    Attributes:
        unlabelled: For pretraining and statistics; never a calibration or test image.
        train, calibration, test: The labelled images of each split.
        unreadable: (path, reason) of files left out.
        remarks: What a user should know about these images.
        hashes: sha256 of each image's content.
        scenes: Number of the scene that images share with others; empty unless looked for.
        torn: Names of look-alikes that the labels put on two sides of a split.
    """

    unlabelled: tuple[Path, ...]
    train: tuple[LabelledImage, ...]
    calibration: tuple[LabelledImage, ...]
    test: tuple[LabelledImage, ...]
    unreadable: tuple[tuple[Path, str], ...]
    remarks: tuple[str, ...]
    hashes: dict[Path, str] = field(repr=False)
    scenes: Mapping[Path, int] = field(default_factory=dict, repr=False)
    torn: tuple[str, ...] = ()

    def digest(self) -> str:
        """A hash of contents, labels and roles; it does not change when the folder moves."""
        lines = [f"unlabelled {self.hashes[path]}" for path in self.unlabelled]
        for split in SPLIT_NAMES:
            images: tuple[LabelledImage, ...] = getattr(self, split)
            lines += [f"{split} {self.hashes[image.path]} {image.label}" for image in images]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def gather_images(settings: LineSettings) -> LineImages:
    """Find and divide a line's images as its settings say.

    The labels' own `split` column wins; without it, whole parts are dealt out by class and seed.

    Raises:
        InputError: A folder holds no image, or none of the images can be read.
        LabelError: The labels do not fit, or put one part into two splits.
    """
    found = find_images(settings.images)
    labelled = read_labels(settings.labels, settings.good_class) if settings.labels else ()
    seen = survey([*found, *(image.path for image in labelled)], settings.input)
    group_of = _group_reader(settings.splits.group_pattern)
    scenes = _scenes(settings, seen)
    divided = divide_labelled(labelled, seen.hashes, settings, scenes)
    unlabelled, held_out = _unlabelled(found, divided, seen, group_of, scenes)
    if not unlabelled:
        raise InputError(
            f"{settings.images[0]}: no image is left to learn from ({len(found)} found, "
            f"{len(seen.unreadable)} unreadable, {held_out} held out for calibration and test); "
            "add unlabelled images."
        )
    return LineImages(
        unlabelled,
        train=_of_split(divided, "train"),
        calibration=_of_split(divided, "calibration"),
        test=_of_split(divided, "test"),
        unreadable=seen.unreadable,
        remarks=_remarks(settings, divided, seen, held_out),
        hashes=seen.hashes,
        scenes=scenes,
        torn=_torn_scenes(divided, scenes),
    )


def divide_labelled(
    labelled: Iterable[LabelledImage],
    hashes: dict[Path, str],
    settings: LineSettings,
    scenes: Mapping[Path, int] = MappingProxyType({}),
) -> list[LabelledImage]:
    """The readable images among the labelled ones, each with its group and in its split.

    Args:
        labelled: As the labels say.
        hashes: sha256 of each readable image's content.
        settings: The line's.
        scenes: Number of the scene that images share with others. Such images are dealt out as one
            part; what a split column says of them stays.

    Raises:
        LabelError: One part lies in two splits, or only some rows have a split.
        SettingsError: `splits.group_pattern` is no regex with a group.
    """
    group_of = _group_reader(settings.splits.group_pattern)
    readable = [
        replace(image, group=image.group or group_of(image.path))
        for image in labelled
        if image.path in hashes
    ]
    if any(image.split is not None for image in readable):
        return _divide(images_of_parts(readable, hashes), settings, str(settings.labels))
    named = [
        replace(image, group=f"scene {scenes[image.path]}")
        if image.group is None and image.path in scenes
        else image
        for image in readable
    ]
    return _divide(images_of_parts(named, hashes, scenes), settings, str(settings.labels))


def _scenes(settings: LineSettings, seen: Survey) -> dict[Path, int]:
    """The scene of each image that shares one with others, where the line asks for that."""
    if settings.splits.look_alikes == "ignore":
        return {}
    groups = find_scenes(sorted(seen.hashes), seen.hashes, settings.input).groups
    return {path: number for number, group in enumerate(groups) for path in group}


def _torn_scenes(divided: Sequence[LabelledImage], scenes: Mapping[Path, int]) -> tuple[str, ...]:
    """A line of names for each scene that lies in several splits."""
    of_scene: dict[int, list[LabelledImage]] = {}
    for image in divided:
        if image.path in scenes:
            of_scene.setdefault(scenes[image.path], []).append(image)
    return tuple(
        ", ".join(f"{image.path} ({image.split})" for image in images)
        for images in of_scene.values()
        if len({image.split for image in images}) > 1
    )


def _group_reader(pattern: str | None) -> GroupOf:
    if pattern is None:
        return lambda path: None
    try:
        compiled = re.compile(pattern)
    except re.error as problem:
        raise SettingsError(f"splits.group_pattern: {pattern!r} is no regex ({problem}).") from None
    if compiled.groups < 1:
        raise SettingsError(
            f"splits.group_pattern: {pattern!r} has no group; put ( ) around what names the part."
        )

    def group_of(path: Path) -> str | None:
        match = compiled.search(path.name)
        return match[1] if match else None

    return group_of


def images_of_parts(
    labelled: Sequence[LabelledImage],
    hashes: Mapping[Path, str],
    scenes: Mapping[Path, int] = MappingProxyType({}),
) -> list[Unit]:
    """The images of each physical part: those of one group, of equal content, or of one scene.

    Args:
        hashes: sha256 of each image's content.
        scenes: Number of the scene that images share with others.
    """
    unit_of: dict[tuple[str, str], Unit] = {}
    for image in labelled:
        keys = [("content", hashes[image.path])]
        if image.group is not None:
            keys.append(("group", image.group))
        if image.path in scenes:
            keys.append(("scene", str(scenes[image.path])))
        merged: Unit = [image]
        for earlier in {id(unit_of[key]): unit_of[key] for key in keys if key in unit_of}.values():
            merged = earlier + merged
        for member in merged:
            unit_of["content", hashes[member.path]] = merged
            if member.group is not None:
                unit_of["group", member.group] = merged
            if member.path in scenes:
                unit_of["scene", str(scenes[member.path])] = merged
    return list({id(unit): unit for unit in unit_of.values()}.values())


def _divide(units: Sequence[Unit], settings: LineSettings, where: str) -> list[LabelledImage]:
    named = [image.split is not None for unit in units for image in unit]
    if not any(named):
        return _deal(units, settings.splits, settings.good_class)
    if not all(named):
        raise LabelError(
            f"{where}: {named.count(False)} of {len(named)} rows have no split; fill the column or "
            "remove it."
        )
    torn = [unit for unit in units if len({image.split for image in unit}) > 1]
    if torn:
        lines = [", ".join(f"{image.path} ({image.split})" for image in unit) for unit in torn]
        raise LabelError(
            f"{where}: {len(torn)} parts (one group, or the same image) lie in two splits; keep "
            f"each in one:{listed(lines)}"
        )
    return [image for unit in units for image in unit]


def _deal(units: Sequence[Unit], settings: SplitSettings, good_class: str) -> list[LabelledImage]:
    """Deal whole units out, class by class: each goes where most of the share is still missing."""
    by_class: dict[str, list[Unit]] = {}
    for unit in units:
        defects = sorted({image.label for image in unit} - {good_class})
        by_class.setdefault(defects[0] if defects else good_class, []).append(unit)
    test = 1.0 - settings.train - settings.calibration
    shares: dict[SplitName, float] = {
        "train": settings.train,
        "calibration": settings.calibration,
        "test": test,
    }
    dealt = []
    for of_class in by_class.values():
        total = sum(len(unit) for unit in of_class)
        missing = {split: share * total for split, share in shares.items()}
        for unit in sorted(of_class, key=lambda unit: _shuffle_key(unit, settings.seed)):
            split = max(missing, key=lambda name: missing[name])
            missing[split] -= len(unit)
            dealt += [replace(image, split=split) for image in unit]
    return dealt


def _shuffle_key(unit: Unit, seed: int) -> str:
    name = min(image.group or image.path.name for image in unit)
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest() + name


def _of_split(divided: Iterable[LabelledImage], split: SplitName) -> tuple[LabelledImage, ...]:
    chosen = [image for image in divided if image.split == split]
    return tuple(sorted(chosen, key=lambda image: image.path))


def _unlabelled(
    found: Sequence[Path],
    divided: Sequence[LabelledImage],
    seen: Survey,
    group_of: GroupOf,
    scenes: Mapping[Path, int],
) -> tuple[tuple[Path, ...], int]:
    """The images to learn from, and how many were held out for calibration and test."""
    held = [image for image in divided if image.split != "train"]
    contents = {seen.hashes[image.path] for image in held}
    groups = {image.group for image in held} - {None}
    seen_there = {scenes[image.path] for image in held if image.path in scenes}
    readable = [path for path in found if path in seen.hashes]
    free = tuple(
        path
        for path in readable
        if seen.hashes[path] not in contents
        and group_of(path) not in groups
        and scenes.get(path) not in seen_there
    )
    return free, len(readable) - len(free)


def _remarks(
    settings: LineSettings, divided: Sequence[LabelledImage], seen: Survey, held_out: int
) -> tuple[str, ...]:
    remarks = []
    if seen.unreadable:
        remarks.append(f"{len(seen.unreadable)} files cannot be read and are left out")
    if held_out:
        remarks.append(f"{held_out} images are held out of learning: calibration or test has them")
    if settings.labels is None:
        remarks.append(
            "no labels: the verdict rests on the outlier score, and no goal can be shown"
        )
        return tuple(remarks)
    for split in SPLIT_NAMES:
        labels = [image.label for image in _of_split(divided, split)]
        for kind, count in (
            ("good", labels.count(settings.good_class)),
            ("defective", len(labels) - labels.count(settings.good_class)),
        ):
            if not count:
                remarks.append(f"the {split} split has no {kind} image")
    return tuple(remarks)
