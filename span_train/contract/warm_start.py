"""What a line gets unasked when its network starts from weights that know something already.

Chosen by measurement on development images (docs/decisions/0007-warm-start.md). A key that the
line sets itself stays as it is; the resolved settings of a run show what was used.
"""

from collections.abc import Mapping
from typing import Any

# High rates forget in a few steps what millions of images taught, and early layers need least.
_PRETRAIN: dict[str, Any] = {
    "objective": "steady",
    "steps": 200,
    "batch_size": 32,
    "learning_rate": 1e-4,
    "layer_decay": 0.75,
}
# No block by number: two thirds of the way up, once the network's depth is known.
_TRAIN: dict[str, Any] = {"blocks": []}


def is_warm(model: object) -> bool:
    """Whether a `model` section names weights to start from."""
    if not isinstance(model, Mapping):
        return False
    return model.get("weights") is not None or model.get("pretrained") is True


def with_warm_defaults(raw: object) -> object:
    """The raw settings with these defaults below their own keys, where they start warm."""
    if not isinstance(raw, Mapping) or not is_warm(raw.get("model")):
        return raw
    named = raw["model"].get("name", "small") != "small"
    defaults = {"pretrain": _PRETRAIN, **({"train": _TRAIN} if named else {})}
    sections = {name: raw.get(name, {}) for name in defaults}
    return {
        **raw,
        **{
            name: {**defaults[name], **section}
            for name, section in sections.items()
            if isinstance(section, Mapping)
        },
    }
