"""A drawing of a product's parts: named parts, each of shapes that are put on top of each other.

Coordinates are in pixels of the exemplar and continuous: the first pixel reaches from 0 to 1.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from span_train.contract.errors import LayoutError

Point = tuple[FiniteFloat, FiniteFloat]
_FARTHEST_PX = 1e6


class _Drawn(BaseModel):
    """A shape; `cut` takes its area away from the part instead of adding it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: bool = False


class Polygon(_Drawn):
    """An outline of at least three corners, filled."""

    kind: Literal["polygon"] = "polygon"
    points: tuple[Point, ...] = Field(min_length=3, max_length=20_000)


class Ring(_Drawn):
    """What lies between two circles; with `inner` 0 a disc."""

    kind: Literal["ring"] = "ring"
    centre: Point
    outer: FiniteFloat = Field(gt=0, le=_FARTHEST_PX)
    inner: FiniteFloat = Field(0.0, ge=0)


class Stroke(_Drawn):
    """Where a round brush was drawn along."""

    kind: Literal["stroke"] = "stroke"
    points: tuple[Point, ...] = Field(min_length=1, max_length=20_000)
    radius: FiniteFloat = Field(gt=0, le=_FARTHEST_PX)


class Pixels(_Drawn):
    """A small black-and-white picture, laid with its top left corner at a pixel."""

    kind: Literal["pixels"] = "pixels"
    png: str
    left: int
    top: int


Shape = Annotated[Polygon | Ring | Stroke | Pixels, Field(discriminator="kind")]


class Part(BaseModel):
    """A named part and its shapes, the later ones on top."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shapes: tuple[Shape, ...] = ()

    def renamed(self, name: str) -> "Part":
        """The same shapes under another name."""
        return Part(name=name, shapes=self.shapes)


class Drawing(BaseModel):
    """All parts, in the order in which they were drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...] = ()

    def with_parts(self, *more: Part) -> "Drawing":
        """The drawing with parts after those that are there."""
        return Drawing(parts=self.parts + more)

    def with_part_at(self, place: int, part: Part) -> "Drawing":
        """The drawing with another part at one place."""
        return Drawing(parts=(*self.parts[:place], part, *self.parts[place + 1 :]))

    def as_json(self) -> str:
        """The drawing as text that `read_drawing` takes."""
        return self.model_dump_json(indent=1) + "\n"


def read_drawing(content: str | bytes | dict[str, Any], where: str) -> Drawing:
    """A drawing from JSON text or its values.

    Raises:
        LayoutError: It is none.
    """
    try:
        if isinstance(content, dict):
            content = json.dumps(content)
        return Drawing.model_validate_json(content)
    except (ValidationError, ValueError, RecursionError) as problem:
        reason = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
        raise LayoutError(f"{where}: is no drawing of parts ({reason}).") from None
