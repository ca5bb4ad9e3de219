"""Write the maps of each image as plain arrays, for those who want to look at them by program."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deploy.scoring.whole_files import check_writable, write_for_image

if TYPE_CHECKING:
    from deploy.scoring.results import ScoredImage


class MapsWriter:
    """A sink for scoring: writes one `.npz` an image, which needs no pickle to be read.

    It holds `evidence` (G, G), `attention` (H, G, G) with the names `heads`, `bias` and `z`; what
    brings maps back to original pixels (`size_px`, `scale`, `offset_px`, each x then y, and
    `side_px`); and `path`, `sha256`, `bundle_id`. Files are named by position, name and verdict;
    scoring an image again writes the same file. Unreadable images have none.
    """

    def __init__(self, folder: Path, heads: tuple[str, ...]) -> None:
        """Take a folder for the files.

        Args:
            heads: Names of the attention heads, in the graph's order.

        Raises:
            InputError: The folder cannot be written to.
        """
        check_writable(folder)
        self._folder = folder
        self._heads = np.array(heads)

    def __call__(self, scored: "list[ScoredImage]") -> None:
        """Write the maps of a batch.

        Raises:
            InputError: A file cannot be written.
        """
        for one in scored:
            if one.inspection is not None:
                content = io.BytesIO()
                np.savez(content, **self._arrays(one))
                write_for_image(self._folder, one, ".npz", content.getvalue())

    def _arrays(self, one: "ScoredImage") -> dict[str, Any]:
        assert one.inspection is not None, "only readable images have maps"
        found, geometry = one.inspection, one.inspection.geometry
        return {
            "evidence": found.evidence,
            "attention": found.attention,
            "heads": self._heads,
            "z": np.array(found.z),
            "bias": np.array(found.bias),
            "size_px": np.array([geometry.width_px, geometry.height_px]),
            "side_px": np.array(geometry.side_px),
            "scale": np.array([geometry.scale_x, geometry.scale_y]),
            "offset_px": np.array([geometry.offset_x_px, geometry.offset_y_px]),
            "to_square": geometry.matrix(),
            "path": np.array(one.row.path),
            "sha256": np.array(one.row.sha256),
            "bundle_id": np.array(one.row.bundle_id),
        }
