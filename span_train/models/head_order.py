"""Put the heads of a block into another order, without changing what the network computes.

A natural-image backbone has its heads in no order that a layout knows. Before it is trained on,
each part is given the head that looks at it most, once, and that head moves to the part's place
(DESIGN.md, section 5: part k is on head k).
Letters: H heads, K parts, D numbers of one head, C width.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn


def best_order(lift_hk: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """Which head comes to place 0, 1, …: the parts' heads in order of the parts, then the others.

    The assignment with the highest product of lifts (Kuhn, 1955): a small part, whose lifts are
    large, weighs no more than a large one.

    Args:
        lift_hk: (H, K) how many times more attention of the head lies in the part than its area.

    Raises:
        ValueError: There are more parts than heads.
    """
    heads, parts = lift_hk.shape
    if parts > heads:
        raise ValueError(f"{parts} parts need as many heads, found {heads}")
    gain_kh = np.log(np.maximum(lift_hk.T, 1e-12))
    _, chosen = linear_sum_assignment(gain_kh, maximize=True)
    of_parts = [int(head) for head in chosen]
    return (*of_parts, *(head for head in range(heads) if head not in of_parts))


def order_heads(block: Block, order: tuple[int, ...]) -> None:
    """Move head ``order[i]`` to place i; the block computes the same as before.

    The rows of queries, keys and values move, and with them the columns that read their results.
    Norms of queries and keys are shared by all heads and stay.

    Raises:
        ValueError: The order does not name every head once.
    """
    attention = cast(Attention, block.attn)
    if sorted(order) != list(range(attention.num_heads)):
        raise ValueError(f"order {order} does not name each of {attention.num_heads} heads once")
    places = torch.arange(attention.attn_dim).view(attention.num_heads, attention.head_dim)
    moved = places[list(order)].flatten()
    rows = torch.cat([moved + which * attention.attn_dim for which in range(3)])
    _move_rows(attention.qkv, rows)
    _move_rows(attention.gate, moved)
    _move_rows(attention.norm, moved)
    _move(attention.proj.weight, 1, moved)


def _move_rows(layer: nn.Module | None, rows: Tensor) -> None:
    for name in ("weight", "bias"):
        tensor = getattr(layer, name, None)
        if tensor is not None:
            _move(tensor, 0, rows)


@torch.no_grad()
def _move(tensor: Tensor, axis: int, places: Tensor) -> None:
    tensor.copy_(tensor.index_select(axis, places.to(tensor.device)))
