"""Tensors and their state in one safetensors file that is either whole or not there."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from span_train.contract.errors import RunError
from span_train.storage.durable import write_durably


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and a JSON state into `path`, by way of a temporary file beside it.

    Raises:
        RunError: The file cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"state": json.dumps(state)}
    try:
        write_durably(path, lambda file: save_file(contiguous, file, metadata=metadata))
    except (OSError, SafetensorError) as problem:
        raise RunError(
            f"{path}: cannot be written ({problem}); free space, then --resume."
        ) from None


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Raises:
        RunError: The file is missing or no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            state = json.loads((opened.metadata() or {})["state"])
            return {name: opened.get_tensor(name) for name in opened.keys()}, state  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as problem:
        raise RunError(f"{path}: is no readable checkpoint ({problem}).") from None
