"""Names and shapes of what the graph takes and gives; export and the line agree on them."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "float16", "int8"]
GRAPH_INPUT = "images"
PER_IMAGE_OUTPUTS = (
    "logits",
    "attention",
    "evidence",
    "contributions",
    "outlier",
    "outlier_parts",
)
GRAPH_OUTPUTS = (
    "logits",
    "attention",
    "evidence",
    "contributions",
    "bias",
    "outlier",
    "outlier_parts",
)


@dataclass(frozen=True)
class GraphSizes:
    """How many of everything a graph has.

    Attributes:
        types: Defect type columns T beside z.
        heads: Attention heads H.
        grid: Side of the patch grid G.
        features: Features J behind z.
        parts: Parts K.
    """

    types: int
    heads: int
    grid: int
    features: int
    parts: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each output, without the leading image axis (`bias` has none)."""
        columns, grid = 1 + self.types, self.grid
        return {
            "logits": (columns,),
            "attention": (self.heads, grid, grid),
            "evidence": (columns, grid, grid),
            "contributions": (columns, self.features),
            "bias": (columns,),
            "outlier": (),
            "outlier_parts": (self.parts,),
        }
