"""Facts about a line's images that a training run checks, counts, or tells the user."""

from collections.abc import Mapping, Sequence
from typing import Any

from span_train.contract.errors import LabelError
from span_train.contract.settings import LineSettings
from span_train.data.labels import listed
from span_train.data.splits import LineImages
from span_train.finetune.roles import ImageRoles
from span_train.policy.gate import Gate
from span_train.pretrained import PretrainedLine

_EXAMPLES = 16


def refuse_leaks(images: LineImages, pretrained: PretrainedLine, allow: bool) -> list[str]:
    """Remarks on held-out images that the backbone has seen, or that look like what is learnt from.

    Raises:
        LabelError: There are some, and that is not allowed.
    """
    return [
        *refused(
            _seen_in_pretraining(images, pretrained.images),
            "calibration or test images took part in pretraining",
            "pretrain with these labels in the YAML",
            allow,
        ),
        *refused(
            images.torn,
            "scenes lie on two sides of a split (look-alikes: one part, moved, turned or saved "
            "again)",
            "keep each in one split",
            allow,
        ),
    ]


def refuse_seen(images: LineImages, roles: ImageRoles | None, allow: bool) -> list[str]:
    """Remarks on test images that a trained run has used, by content, part or look.

    Args:
        roles: What the run used; None where it did not keep that.

    Raises:
        LabelError: There are some, and that is not allowed.
    """
    if roles is None:
        return []
    used = roles.learnt | roles.calibration
    scenes = {scene for path, scene in images.scenes.items() if images.hashes[path] in used}
    seen = [
        str(image.path)
        for image in images.test
        if images.hashes[image.path] in used
        or image.group in roles.groups
        or images.scenes.get(image.path) in scenes
    ]
    what = "test images, or others of the same part, took part in training or calibration"
    return refused(seen, what, "evaluate on other images", allow)


def refused(names: Sequence[str], what: str, mend: str, allow: bool) -> list[str]:
    """A remark on what leaked, where that is allowed; nothing where nothing did.

    Raises:
        LabelError: Something leaked, and that is not allowed.
    """
    if not names:
        return []
    if not allow:
        raise LabelError(
            f"{len(names)} {what}; {mend}, or go on with --allow-leak and distrust the "
            f"numbers:{listed(names)}"
        )
    return [f"{len(names)} {what}: {'; '.join(names[:5])}{' …' if len(names) > 5 else ''}"]


def _seen_in_pretraining(images: LineImages, learnt: frozenset[str]) -> list[str]:
    """Held-out images whose content, or whose look-alike, the backbone has seen."""
    held = (*images.calibration, *images.test)
    seen_scenes = {scene for path, scene in images.scenes.items() if images.hashes[path] in learnt}
    return [
        str(image.path)
        for image in held
        if images.hashes[image.path] in learnt or images.scenes.get(image.path) in seen_scenes
    ]


def defect_classes(images: LineImages, settings: LineSettings) -> set[str]:
    """Every label of this line that is not the good one."""
    labelled = (*images.train, *images.calibration, *images.test)
    return {image.label for image in labelled} - {settings.good_class}


def type_names(images: LineImages, settings: LineSettings) -> tuple[str, ...]:
    """Defect classes of the training labels, where there are two or more to tell apart."""
    types = sorted({image.label for image in images.train} - {settings.good_class})
    return tuple(types) if len(types) > 1 else ()


def counts_of(images: LineImages, good_class: str) -> dict[str, dict[str, int]]:
    """How many images, good and defective, each split holds."""
    counts = {"unlabelled": {"images": len(images.unlabelled)}}
    for split in ("train", "calibration", "test"):
        labels = [image.label == good_class for image in getattr(images, split)]
        counts[split] = {"good": sum(labels), "defective": len(labels) - sum(labels)}
    return counts


def unpromised(images: LineImages, settings: LineSettings, gate: Gate | None) -> list[str]:
    """What these images and labels cannot support, for the user."""
    found = _unasked(gate)
    if settings.train.statistics == "memory":
        found.append(
            "what is usual was learnt for any place (train.statistics: memory), as for parts "
            "without a common pose: names of parts mean places in the image, not of the product"
        )
    train = {image.label != settings.good_class for image in images.train}
    if len(train) < 2:
        found.append(
            "the training labels hold "
            + ("no image" if not train else "one class only")
            + ": z is the outlier score alone; label good and defective images to improve it"
        )
    if not any(image.label != settings.good_class for image in images.calibration):
        found.append("no defective calibration image: no escape rate can be promised")
    unknown = {i.label for i in images.test} - {i.label for i in images.train}
    if images.train and unknown:
        found.append(f"classes of the test split never trained: {', '.join(sorted(unknown))}")
    return found


def _unasked(gate: Gate | None) -> list[str]:
    if gate is None:
        return ["too few images to tell what a usual one looks like: no image gate"]
    if gate.knows_the_pose:
        return []
    return [
        "the images lie in no common pose: the image gate asks neither for the part's place nor "
        "whether it is the right product; align them (input.align) where they are one product"
    ]


def tuning_in_words(facts: Mapping[str, Any]) -> str:
    """Whether the network was tuned on the labels, and what that rests on."""
    if "log_loss" not in facts:
        return "frozen" + (f": {facts['why']}" if "why" in facts else "")
    losses, epochs = facts["log_loss"], facts["epochs"]
    alone, tuned = losses["0"], min(loss for epoch, loss in losses.items() if epoch != "0")
    kept = f"fine-tuned for {epochs} epochs" if epochs else "frozen"
    return (
        f"{kept}; log loss of labelled parts left out in turn: {tuned:.3f} tuned, {alone:.3f} with "
        "the head alone"
    )


def examples_of(images: LineImages, good_class: str) -> list[str]:
    """Calibration images of both classes in turn, else unlabelled ones: they go into the bundle."""
    good = [str(i.path) for i in images.calibration if i.label == good_class]
    defective = [str(i.path) for i in images.calibration if i.label != good_class]
    half = _EXAMPLES // 2
    chosen = [*good[:half], *defective[:half]]
    return chosen or [str(path) for path in images.unlabelled[:_EXAMPLES]]
