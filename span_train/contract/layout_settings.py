"""Where a line's parts lie: drawn on exemplars, found by statistics, or told by brightness."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from span_train.contract.section import LinePath, Section, as_tuple

LayoutSource = Literal["exemplar", "statistics", "intensity"]
Shade = Literal["dark", "bright"]
Box = tuple[float, float, float, float]
_Value = TypeVar("_Value")


def _auto_as_none(value: object) -> object:
    return None if value == "auto" else value


def _none_as_auto(value: object) -> object:
    return "auto" if value is None else value


def _one_or_many(value: object) -> object:
    if value is None:
        return ()
    return (value,) if isinstance(value, str | Path) else as_tuple(value)


# Written `auto` in the YAML, None in the program.
Auto = Annotated[
    _Value | None,
    BeforeValidator(_auto_as_none),
    PlainSerializer(_none_as_auto, when_used="json"),
]


class IntensitySettings(Section):
    """How one part differs from what surrounds it, in each image."""

    shade: Auto[Shade] = Field(
        None, description="Darker or brighter than its surroundings; auto: as on the exemplar."
    )
    tau: Auto[Annotated[float, Field(ge=0.0, le=255.0)]] = Field(
        None, description="Grey level between part and surroundings; auto: found in each image."
    )
    temperature: float = Field(
        10.0, gt=0.0, le=128.0, description="Grey levels over which the mask fades."
    )
    box: Annotated[Box, BeforeValidator(as_tuple)] | None = Field(
        None,
        description="Left, top, right, bottom of the place to look in, as shares of the square "
        "that the network sees; without it, the part's mask on the exemplar.",
    )

    @model_validator(mode="after")
    def _box_is_a_place(self) -> "IntensitySettings":
        if self.box is None:
            return self
        left, top, right, bottom = self.box
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise ValueError(
                f"box must be left < right and top < bottom, each in 0 to 1, found {list(self.box)}"
            )
        if self.shade is None:
            raise ValueError("a part with a box needs `shade`: dark or bright")
        return self


class LayoutSettings(Section):
    """Where the parts lie, and which symmetries the product has."""

    source: LayoutSource = "exemplar"
    exemplar: Annotated[tuple[LinePath, ...], BeforeValidator(_one_or_many)] = Field(
        (), description="One good image, or several, on which the parts are drawn."
    )
    masks: LinePath | None = Field(
        None, description="A folder of mask PNGs, a label-map PNG, a LabelMe or a COCO JSON."
    )
    names: LinePath | None = Field(
        None, description="What the indices of a label map mean: YAML or JSON {1: body, 2: lead}."
    )
    parts: Auto[Annotated[int, Field(ge=1, le=64)]] = Field(
        4, description="Number of parts where statistics find them, or auto."
    )
    intensity: dict[str, IntensitySettings] = Field(
        {}, description="By part, where brightness tells them; the others are all auto."
    )
    reach_patches: float = Field(
        0.5, ge=0.0, le=8.0, description="How far beyond its mask a part is told by brightness."
    )
    refine: Literal["registration", "none"] = Field(
        "registration",
        description="Whether the parts are carried over to each image, or lie as in the layout.",
    )
    soften_patches: float = Field(0.5, ge=0.0, le=4.0)
    symmetry: Annotated[
        tuple[Literal["flip_horizontal", "flip_vertical", "quarter_turns"], ...],
        BeforeValidator(as_tuple),
    ] = ()

    @model_validator(mode="after")
    def _has_its_files(self) -> "LayoutSettings":
        drawn = bool(self.exemplar) and self.masks is not None
        if self.source == "exemplar" and not drawn:
            raise ValueError(
                "source: exemplar needs `exemplar` (an image, or a list of them) and `masks` (a "
                "folder of <part>.png, a label map, LabelMe or COCO JSON); or use source: "
                "statistics"
            )
        boxes = [part.box is not None for part in self.intensity.values()]
        if self.source == "intensity" and not drawn and not (boxes and all(boxes)):
            raise ValueError(
                "source: intensity needs a place for each part: `exemplar` and `masks`, or a `box` "
                "for every part under `intensity`"
            )
        return self
