"""Let torch compile the student's backbone where that is asked for; it pays on a GPU."""

from typing import Any

import torch

from span_train.contract.errors import RunError
from span_train.models.backbone import Backbone


def compile_student(backbone: Backbone, backend: str = "inductor") -> None:
    """Compile the forward pass as one graph, at the first step that runs it.

    What cannot be compiled is an error of that step: a run that was meant to be fast never falls
    back to a slow one in silence. Names of tensors stay as they are.

    Args:
        backbone: The student's; copies made of it before stay as they are.
        backend: Of `torch.compile`.
    """
    from torch._dynamo.exc import TorchDynamoException  # takes a second to import

    compiled = torch.compile(backbone.forward, fullgraph=True, backend=backend)

    def forward(*inputs: Any, **more: Any) -> Any:
        try:
            return compiled(*inputs, **more)
        except TorchDynamoException as problem:
            reason = " ".join(str(problem).split()[:40])
            raise RunError(
                f"pretrain.compile: torch cannot compile the network here ({reason}); set "
                "pretrain.compile: false."
            ) from None

    backbone.forward = forward  # type: ignore[method-assign]
