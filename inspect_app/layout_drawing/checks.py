"""Tell what is wrong with a drawing of parts while it is drawn, and what would only be odd."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from inspect_app.layout_drawing.drawing import Drawing, Part, Point, Polygon, Ring, Shape
from inspect_app.layout_drawing.rasterise import Mask, Size, part_mask, shape_mask
from span_train.contract.errors import LayoutError
from span_train.contract.image import Fit
from span_train.contract.layout import Layout, check_name, most_parts
from span_train.data.layout_exemplars import LARGEST_OVERLAP, MOST_OF_THE_IMAGE
from span_train.data.outlines import crossing

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Room:
    """What the parts have to fit: the network and the way images are fitted to it."""

    side_px: int
    patch_px: int
    heads: int
    fit: Fit


@dataclass(frozen=True)
class Remark:
    """One thing to mend, or to look at.

    Attributes:
        level: With an `error` nothing can be saved.
        text: What was found and what to do.
        part: Place of the part in the drawing; None where it is about all of them.
        at: Where to look, in pixels of the image.
    """

    level: Level
    text: str
    part: int | None = None
    at: Point | None = None


@dataclass(frozen=True)
class Looked:
    """A drawing that was looked over.

    Attributes:
        masks: Of each part.
        patches: The area of each part in patches of the fitted image.
        remarks: Errors first.
    """

    masks: tuple[Mask, ...]
    patches: tuple[float, ...]
    remarks: tuple[Remark, ...]

    @property
    def errors(self) -> tuple[Remark, ...]:
        """What keeps it from being saved."""
        return tuple(one for one in self.remarks if one.level == "error")


def look_over(drawing: Drawing, shape: Size, room: Room) -> Looked:
    """Check a drawing on an image of (height, width).

    Raises:
        LayoutError: A picture within the drawing is damaged.
    """
    masks = tuple(part_mask(part, shape) for part in drawing.parts)
    patches = _patches(masks, room)
    remarks = [
        *_names(drawing.parts),
        *_heads(len(masks), room),
        *(
            remark
            for place, part in enumerate(drawing.parts)
            for remark in _of_one(place, part, masks[place], patches[place], room)
        ),
        *_overlaps(drawing.parts, masks),
    ]
    return Looked(masks, patches, tuple(sorted(remarks, key=lambda one: one.level != "error")))


def _patches(masks: Sequence[Mask], room: Room) -> tuple[float, ...]:
    if not masks:
        return ()
    names = tuple(map(str, range(len(masks))))
    layout = Layout(names, np.stack(masks).astype(np.float32), "exemplar")
    return layout.patches(room.side_px, room.patch_px, room.fit)


def _names(parts: Sequence[Part]) -> list[Remark]:
    remarks = []
    counts = Counter(part.name.casefold() for part in parts)
    for place, part in enumerate(parts):
        if counts[part.name.casefold()] > 1:
            said = f"Two parts are called {part.name}: rename one, or bring their shapes together."
            remarks.append(Remark("error", said, place))
        try:
            check_name(part.name, f"Part {place + 1}")
        except LayoutError as problem:
            remarks.append(Remark("error", str(problem), place))
    return remarks


def _heads(parts: int, room: Room) -> list[Remark]:
    most = most_parts(room.heads)
    if parts == 0:
        return [Remark("error", "Nothing is drawn yet: add a part and draw it.")]
    if parts <= most:
        return []
    said = (
        f"{parts} parts, but a network with {room.heads} heads can hold {most}: bring parts "
        "together, or choose a model with more heads (model.heads)."
    )
    return [Remark("error", said)]


def _of_one(place: int, part: Part, mask: Mask, patches: float, room: Room) -> list[Remark]:
    remarks = _self_crossings(place, part)
    if not mask.any():
        return [*remarks, Remark("error", _nothing_of(part, mask.shape), place)]
    outside = [at for one in part.shapes if (at := _outside(one, mask.shape))]
    if outside:
        said = f"{part.name} reaches out of the image; what lies outside is cut off."
        remarks.append(Remark("warning", said, place, outside[0]))
    if mask.mean() >= MOST_OF_THE_IMAGE:
        said = (
            f"{part.name} covers {mask.mean():.0%} of the image: a part that is everywhere tells "
            "no head where to look; draw it smaller."
        )
        remarks.append(Remark("error", said, place))
    if patches < 1:
        said = (
            f"{part.name} has {patches:.2f} patches of area, and needs one: draw it larger, bring "
            f"it together with another part, or raise input.side_px (now {room.side_px})."
        )
        remarks.append(Remark("error", said, place, _middle(mask)))
    return remarks


def _nothing_of(part: Part, shape: Size) -> str:
    if not part.shapes:
        return f"{part.name} has no shape yet: draw it, or remove the part."
    added = [one for one in part.shapes if not one.cut]
    if not any(shape_mask(one, shape, part.name).any() for one in added):
        return f"{part.name} lies outside of the image: move it in, or remove it."
    return f"Everything of {part.name} is erased: draw it again, or remove it."


def _self_crossings(place: int, part: Part) -> list[Remark]:
    remarks = []
    for one in part.shapes:
        at = crossing(one.points) if isinstance(one, Polygon) else None
        if at is not None:
            said = (
                f"An outline of {part.name} crosses itself near ({at[0]:.0f}, {at[1]:.0f}): move "
                "a corner, or take one away."
            )
            remarks.append(Remark("error", said, place, at))
    return remarks


def _outside(drawn: Shape, shape: Size) -> Point | None:
    """A point of a shape that lies outside of the image; a brush may always slip over the edge."""
    points: tuple[Point, ...] = ()
    if isinstance(drawn, Polygon):
        points = drawn.points
    elif isinstance(drawn, Ring):
        (x, y), far = drawn.centre, drawn.outer
        points = ((x - far, y), (x + far, y), (x, y - far), (x, y + far))
    outside = [
        (x, y) for x, y in points if not (-1 <= x <= shape[1] + 1 and -1 <= y <= shape[0] + 1)
    ]
    return outside[0] if outside and not drawn.cut else None


def _overlaps(parts: Sequence[Part], masks: Sequence[Mask]) -> list[Remark]:
    remarks = []
    for (one, first), (other, second) in combinations(enumerate(masks), 2):
        shared = first & second
        smaller = min(int(first.sum()), int(second.sum()))
        share = int(shared.sum()) / max(1, smaller)
        if share == 0:
            continue
        told = f"{parts[one].name} and {parts[other].name} share {share:.1%} of the smaller one"
        if share > LARGEST_OVERLAP:
            said = f"{told}; at most {LARGEST_OVERLAP:.0%} is allowed: redraw one of them."
            remarks.append(Remark("error", said, other, _middle(shared)))
        else:
            remarks.append(Remark("warning", f"{told}.", other, _middle(shared)))
    return remarks


def _middle(mask: npt.NDArray[np.bool_]) -> Point:
    rows, columns = np.nonzero(mask)
    return float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5
