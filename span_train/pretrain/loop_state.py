"""Every tensor that the next training step depends on, by name, out of a loop and back into one."""

import torch
from torch import Tensor, nn

from span_train.contract.errors import RunError

_OBJECTIVE, _OPTIMISER = "objective.", "optimiser."


def gather_state(module: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights and buffers of student and teacher, and the optimiser's moments."""
    tensors = {f"{_OBJECTIVE}{name}": tensor for name, tensor in module.state_dict().items()}
    for name, parameter in _trained(module).items():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"{_OPTIMISER}{name}.{key}"] = value
    return tensors


def restore_state(
    tensors: dict[str, Tensor], module: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Put the tensors that `gather_state` gave where they came from.

    Raises:
        RunError: They are of another network or objective.
    """
    own, given = module.state_dict(), _under(_OBJECTIVE, tensors)
    strange = _strange(own, given)
    if strange:
        raise RunError(
            "the checkpoint is of another network or objective: "
            + "; ".join(strange[:3])
            + (f" (and {len(strange) - 3} more)" if len(strange) > 3 else "")
            + "; resume it with the settings of its run."
        )
    module.load_state_dict(given)
    for name, parameter in _trained(module).items():
        found = _under(f"{_OPTIMISER}{name}.", tensors)
        for key in found.keys() - {"step"}:  # the optimiser counts steps on the CPU
            found[key] = found[key].to(parameter.device)
        optimiser.state[parameter] = found


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _strange(own: dict[str, Tensor], given: dict[str, Tensor]) -> list[str]:
    return [
        *(f"{name} is missing" for name in own.keys() - given.keys()),
        *(f"{name} is unknown" for name in sorted(given.keys() - own.keys())),
        *(
            f"{name} is {list(given[name].shape)}, expected {list(tensor.shape)}"
            for name, tensor in own.items()
            if name in given and given[name].shape != tensor.shape
        ),
    ]
