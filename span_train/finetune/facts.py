"""Facts about a line's images that a training run checks, counts, or tells the user."""

from collections.abc import Mapping
from typing import Any

from span_train.contract.errors import LabelError
from span_train.contract.settings import LineSettings
from span_train.data.splits import LineImages
from span_train.pretrained import PretrainedLine

_EXAMPLES = 16


def refuse_leaks(images: LineImages, pretrained: PretrainedLine, allow: bool) -> list[str]:
    """Remarks on held-out images that the backbone has seen.

    Raises:
        LabelError: There are some, and that is not allowed.
    """
    held = (*images.calibration, *images.test)
    leaked = [image.path for image in held if images.hashes[image.path] in pretrained.images]
    if not leaked:
        return []
    named = ", ".join(path.name for path in leaked[:5]) + (" …" if len(leaked) > 5 else "")
    if not allow:
        raise LabelError(
            f"{len(leaked)} calibration or test images took part in pretraining: {named}; pretrain "
            "with these labels in the YAML, or go on with --allow-leak and distrust the numbers."
        )
    return [f"{len(leaked)} held-out images took part in pretraining: {named}"]


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


def unpromised(images: LineImages, settings: LineSettings) -> list[str]:
    """What these labels cannot support, for the user."""
    found = []
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
