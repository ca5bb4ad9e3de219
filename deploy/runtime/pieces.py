"""Run a batch on the processor a few images at a time: more of them do not fit into its cache.

All that a block of the network makes of a batch is read again by the next layer. Where it has left
the processor's own cache by then, every layer waits for memory.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deploy.bundle.graph_outputs import PER_IMAGE_OUTPUTS

Outputs = dict[str, npt.NDArray[np.float32]]
_PATCHES_AT_ONCE = 600  # measured with networks 192 and 384 wide: docs/decisions, 0023


def images_at_once(grid: int) -> int:
    """How many images of `grid` x `grid` patches a run on the processor takes; 1 at least."""
    return max(1, _PATCHES_AT_ONCE // grid**2)


def run_in_pieces(
    run: Callable[[npt.NDArray[np.uint8]], Outputs], images_nhwc: npt.NDArray[np.uint8], size: int
) -> Outputs:
    """Run a graph on some images after the others, and put its answers together.

    Args:
        run: Gives the graph's outputs for (N, S, S, 3) images.
        size: Images in one run.
    """
    if len(images_nhwc) <= size:
        return run(images_nhwc)
    starts = range(0, len(images_nhwc), size)
    pieces = [run(images_nhwc[start : start + size]) for start in starts]
    return {
        name: np.concatenate([piece[name] for piece in pieces])
        if name in PER_IMAGE_OUTPUTS
        else of_all
        for name, of_all in pieces[0].items()
    }
