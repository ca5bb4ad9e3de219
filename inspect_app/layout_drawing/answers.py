"""Answer what the drawing page asks: check the drawing, repeat parts, propose, show, save."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inspect_app.layout_drawing.checks import Looked, look_over
from inspect_app.layout_drawing.copies import (
    Axis,
    around,
    free_name,
    in_a_row,
    mirrored,
    mirrored_name,
    numbered,
    outlined,
)
from inspect_app.layout_drawing.desk import Desk
from inspect_app.layout_drawing.drawing import Drawing, Part, Point, Shape, read_drawing
from inspect_app.layout_drawing.propose import propose
from inspect_app.layout_drawing.samples import samples
from inspect_app.layout_drawing.saving import save
from span_train.contract.errors import InspectionError, LayoutError

Answer = dict[str, Any]
Count = Annotated[int, Field(ge=2, le=64)]


class _Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _OfPart(_Ask):
    part: int
    one: bool = False  # the copies become shapes of the same part


class _Mirror(_OfPart):
    kind: Literal["mirror"]
    axis: Axis
    at: float


class _Row(_OfPart):
    kind: Literal["row"]
    count: Count
    step: Point


class _Around(_OfPart):
    kind: Literal["around"]
    count: Count
    centre: Point


class _Outline(_Ask):
    kind: Literal["outline"]
    part: int


class _Propose(_Ask):
    kind: Literal["propose"]
    parts: int = Field(ge=1, le=16)


class _Look(_Ask):
    kind: Literal["look"]
    seed: int


class _Save(_Ask):
    kind: Literal["save"]


Ask = Annotated[
    _Mirror | _Row | _Around | _Outline | _Propose | _Look | _Save, Field(discriminator="kind")
]
_ASK: TypeAdapter[Ask] = TypeAdapter(Ask)


def answer(desk: Desk, drawing: dict[str, Any], ask: dict[str, Any] | None = None) -> Answer:
    """What the page is to show: remarks and areas, and what it asked for.

    Args:
        desk: The line and its exemplar.
        drawing: The parts, as `read_drawing` takes them.
        ask: What to do, by `kind`; None only checks.

    Returns:
        `remarks`, `patches` and `shares` of the parts, and where they were asked for: `parts` (the
        new drawing), `samples`, `saved`; or `problem`, a sentence.
    """
    try:
        read = read_drawing(drawing, "the drawing")
        done = _done(desk, read, _ASK.validate_python(ask)) if ask else {}
        if "parts" in done:
            read = read_drawing({"parts": done["parts"]}, "the drawing")
        return _told(look_over(read, desk.shape, desk.room)) | done
    except ValidationError as problem:
        return {"problem": f"The page asked for something unknown: {problem.errors()[0]['msg']}."}
    except InspectionError as problem:
        return {"problem": str(problem)}


def _told(looked: Looked) -> Answer:
    return {
        "remarks": [asdict(remark) for remark in looked.remarks],
        "patches": list(looked.patches),
        "shares": [float(mask.mean()) for mask in looked.masks],
    }


def _done(desk: Desk, drawing: Drawing, ask: Ask) -> Answer:
    if isinstance(ask, _Save):
        saved = save(desk, drawing)
        return {"saved": f"{saved.folder.parent.name}/{saved.folder.name}"}
    if isinstance(ask, _Look):
        masks = look_over(drawing, desk.shape, desk.room).masks
        return {"samples": [asdict(one) for one in samples(desk, masks, ask.seed)]}
    if isinstance(ask, _Propose):
        return _parts(drawing.with_parts(*_new_names(propose(desk, ask.parts), drawing)))
    if not 0 <= ask.part < len(drawing.parts):
        raise LayoutError("Choose a part first.")
    part = drawing.parts[ask.part]
    if isinstance(ask, _Outline):
        return _parts(drawing.with_part_at(ask.part, outlined(part, desk.shape)))
    return _parts(_repeated(desk, drawing, part, ask))


def _repeated(desk: Desk, drawing: Drawing, part: Part, ask: _Mirror | _Row | _Around) -> Drawing:
    taken = [one.name for one in drawing.parts]
    if isinstance(ask, _Mirror):
        copies = [mirrored(part, ask.axis, ask.at)]
        names: Sequence[str] = (part.name, mirrored_name(part.name, taken))
    else:
        if isinstance(ask, _Row):
            copies = in_a_row(part, ask.count, ask.step)
        else:
            copies = around(part, ask.count, ask.centre, desk.shape)
        names = numbered(part.name, ask.count, taken)
    if ask.one:
        more: tuple[Shape, ...] = tuple(shape for copy in copies for shape in copy)
        return drawing.with_part_at(ask.part, Part(name=part.name, shapes=part.shapes + more))
    first = drawing.with_part_at(ask.part, part.renamed(names[0]))
    made = [Part(name=name, shapes=copy) for name, copy in zip(names[1:], copies, strict=True)]
    return first.with_parts(*made)


def _new_names(parts: Sequence[Part], drawing: Drawing) -> list[Part]:
    taken = {part.name for part in drawing.parts}
    named = []
    for part in parts:
        name = part.name if part.name not in taken else free_name(part.name, taken)
        taken.add(name)
        named.append(part.renamed(name))
    return named


def _parts(drawing: Drawing) -> Answer:
    return {"parts": drawing.model_dump(mode="json")["parts"]}
