"""How fast each layer of a network that knows something already may learn: early ones slower.

What early layers of a natural-image backbone see holds for production images too; the last block's
heads are what has to move. Layer-wise decay after Clark et al. (ELECTRA, arXiv 2003.10555, 3).
"""

import re
from typing import Any

from torch import nn

from span_train.models.backbone import Backbone

_OF_STUDENT = re.compile(r"^backbone\.vit\.(?:blocks\.(?P<block>\d+)\.)?(?P<rest>.*)$")
_AFTER_BLOCKS = ("norm.", "fc_norm.", "head.")


def rate_share(name: str, depth: int, decay: float) -> float:
    """A parameter's share of the learning rate: ``decay ** blocks between it and the end``.

    Args:
        name: Of the objective's parameter; those outside of its backbone learn at the full rate.
        depth: Blocks of the backbone.
        decay: 1 lets all layers learn at the same rate.
    """
    found = _OF_STUDENT.match(name)
    if found is None:
        return 1.0
    if found["block"] is not None:
        return decay ** (depth - 1 - int(found["block"]))
    return 1.0 if found["rest"].startswith(_AFTER_BLOCKS) else decay**depth


def parameter_groups(
    parameters: dict[str, nn.Parameter], depth: int, decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """For the optimiser: parameters that share a rate and a weight decay; vectors do not decay.

    Each group has its `rate_share`, by which the loop multiplies the learning rate of a step.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        kept_small = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate_share(name, depth, decay), kept_small), []).append(parameter)
    return [
        {"params": members, "weight_decay": kept_small, "rate_share": share}
        for (share, kept_small), members in groups.items()
    ]


def freeze_first(backbone: Backbone, blocks: int) -> None:
    """Keep the embedding and the first blocks as they are; 0 keeps nothing.

    Raises:
        ValueError: No block would be left to learn.
    """
    if not 0 <= blocks < backbone.depth:
        raise ValueError(f"{blocks} of {backbone.depth} blocks frozen leaves none to learn")
    if blocks == 0:
        return
    backbone.requires_grad_(False)
    for block in backbone.vit.blocks[blocks:]:
        block.requires_grad_(True)
    backbone.vit.norm.requires_grad_(True)
