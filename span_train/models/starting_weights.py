"""Fit the tensors of a weights file to a network: names, places of another image size, shapes.

A file may hold a network as timm names it, as DINOv2's authors do, or as a pretraining run left it.
Everything the network has must be in the file, and everything in the file must have its place.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor

from span_train.contract.errors import RunError

Tensors = dict[str, Tensor]
# What a network for images of every kind brings and one without classes has no place for.
_NOT_NEEDED = ("head.weight", "head.bias")
# How training programs name the whole, one inside the other: `module.backbone.blocks.0…`.
_WRAPPERS = ("module.", "model.", "backbone.", "vit.")
_PLACES = "pos_embed"
_PATCHES = "patch_embed.proj.weight"


@dataclass(frozen=True)
class Start:
    """Where a network's weights came from before it was trained.

    Attributes:
        weights: `random`, `timm`, or the name of the file.
        sha256: Of the file, empty where there is none.
        remarks: What was done to the weights on the way, in words.
        heads: Part, number of the head that was moved to its place, and how many times more of its
            attention lay in the part than the part's share of the area.
    """

    weights: str = "random"
    sha256: str = ""
    remarks: tuple[str, ...] = ()
    heads: tuple[tuple[str, int, float], ...] = ()

    def in_words(self) -> tuple[str, ...]:
        """For people, a sentence for each thing that was done; nothing for random weights."""
        moved = (
            f"part {part} starts on what was head {head}, {lift:.1f} times its share of attention"
            for part, head, lift in self.heads
        )
        return (*(f"starting weights {self.weights}: {remark}" for remark in self.remarks), *moved)


FROM_SCRATCH = Start()


def load_weights(vit: VisionTransformer, file: Path) -> Start:
    """Set all weights of the network from a safetensors file.

    Raises:
        RunError: The file cannot be read, or does not fit the network.
    """
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as problem:
        raise RunError(f"{file}: is no readable safetensors file ({problem}).") from None
    remarks: list[str] = []
    tensors = _without_classes(_unwrapped(tensors, remarks), remarks)
    _refuse(file, _one_of_many(tensors) or _strange_patches(vit, tensors) or _not_finite(tensors))
    fitted = _fitted(vit, tensors, remarks)
    _refuse(file, _strange(cast(Tensors, vit.state_dict()), fitted))
    vit.load_state_dict(fitted)
    return Start(file.name, hashlib.sha256(file.read_bytes()).hexdigest(), tuple(remarks))


def _unwrapped(tensors: Tensors, remarks: list[str]) -> Tensors:
    """Without the beginnings that all names share, as long as these are known ones."""
    removed = ""
    while tensors:
        shared = [w for w in _WRAPPERS if all(name.startswith(w) for name in tensors)]
        if not shared:
            break
        tensors = {name.removeprefix(shared[0]): tensor for name, tensor in tensors.items()}
        removed += shared[0]
    if removed:
        remarks.append(f"names without `{removed}`")
    return tensors


def _without_classes(tensors: Tensors, remarks: list[str]) -> Tensors:
    left_out = [name for name in _NOT_NEEDED if name in tensors]
    if left_out:
        remarks.append(f"{' and '.join(left_out)} left out")
    return {name: tensor for name, tensor in tensors.items() if name not in left_out}


def _fitted(vit: VisionTransformer, tensors: Tensors, remarks: list[str]) -> Tensors:
    """With timm's names, and position embeddings resampled to the network's grid (timm)."""
    own = cast(Tensors, vit.state_dict())
    before = tensors.get(_PLACES)
    if _PATCHES not in tensors or (before is not None and not _square(vit, tensors)):
        return tensors  # what is missing or strange is told next
    fitted: Tensors = checkpoint_filter_fn(dict(tensors), vit)
    if before is not None and _PLACES in own and before.shape[1] != own[_PLACES].shape[1]:
        old, new = (_grid_of(vit, tensors), vit.patch_embed.grid_size[0])
        if old != new:
            remarks.append(f"position embeddings resampled from {old}x{old} to {new}x{new} patches")
    return fitted


def _grid_of(vit: VisionTransformer, tensors: Tensors) -> int:
    """Patches a side in the file; its position embeddings may or may not hold the prefix tokens."""
    places, prefix = tensors[_PLACES].shape[1], 0 if vit.no_embed_class else vit.num_prefix_tokens
    if "register_tokens" in tensors:  # DINOv2's own names: one place for the class token
        prefix = 1
    return round(math.sqrt(max(places - prefix, 0)))


def _square(vit: VisionTransformer, tensors: Tensors) -> bool:
    places, grid = tensors[_PLACES].shape[1], _grid_of(vit, tensors)
    return places - grid**2 in {0, 1, vit.num_prefix_tokens} and grid > 0


def _one_of_many(tensors: Tensors) -> list[str]:
    """A network that stands beside others in the file is not guessed at."""
    below = sorted({name[: -len(_PATCHES)] for name in tensors if name.endswith(f".{_PATCHES}")})
    return [f"keep the tensors below `{name}` alone, without that beginning" for name in below]


def _strange_patches(vit: VisionTransformer, tensors: Tensors) -> list[str]:
    """timm would resample patches of another size without a word; here that is another network."""
    found, own = tensors.get(_PATCHES), vit.state_dict()[_PATCHES]
    if found is None or found.ndim != 4 or found.shape[2:] == own.shape[2:]:
        return []
    return [f"its patches have {found.shape[-1]} px, expected {own.shape[-1]}"]


def _not_finite(tensors: Tensors) -> list[str]:
    return [
        f"{name} holds numbers that are not finite"
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]


def _strange(own: Tensors, tensors: Tensors) -> list[str]:
    return [
        *(f"{name} is missing" for name in own.keys() - tensors.keys()),
        *(f"{name} is unknown" for name in tensors.keys() - own.keys()),
        *(
            f"{name} is {list(tensors[name].shape)}, expected {list(own[name].shape)}"
            for name in own.keys() & tensors.keys()
            if tensors[name].shape != own[name].shape
        ),
    ]


def _refuse(file: Path, strange: list[str]) -> None:
    if not strange:
        return
    more = f" (and {len(strange) - 3} more)" if len(strange) > 3 else ""
    raise RunError(
        f"{file}: does not fit this network: {'; '.join(sorted(strange)[:3])}{more}; set model.* "
        "to the network these weights were made for; input.side_px may differ."
    )
