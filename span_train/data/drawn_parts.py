"""Draw a small electronic part, good or with a defect, to try things without photographs."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.float32]
DefectType = Literal["scratch", "bent_lead", "stain"]
DEFECT_TYPES: tuple[DefectType, ...] = get_args(DefectType)
SIDE_PX = 96
_BODY = (28, 26, 68, 70)  # left, top, right, bottom
_MARKING = (38, 36, 58, 45)
_LEAD_Y = (43.0, 53.0)
_LEFT_LEAD_X, _RIGHT_LEAD_X = (28.0, 5.0), (68.0, 91.0)  # from the body to the tip
_METAL, _PLASTIC, _PRINT = (186, 188, 192), (58, 66, 84), (206, 204, 190)


@dataclass(frozen=True)
class LeadShape:
    """How a lead leaves the body: turned by some degrees, with a share of its length missing."""

    turn_deg: float = 0.0
    missing: float = 0.0


def draw_part(random: np.random.Generator, defect: DefectType | None = None) -> RGB:
    """One photograph of a part, (96, 96, 3) uint8.

    Brightness, place (1 to 3 px), texture and noise vary from picture to picture; the kind, place
    and strength of a defect vary as well.
    """
    left, right = _lead_shapes(random, bent=defect == "bent_lead")
    picture = _plain_part(left, right) + _texture(random)
    if defect == "scratch":
        picture = _scratched(picture, random)
    elif defect == "stain":
        picture = _stained(picture, random)
    return _photographed(picture, random)


def draw_exemplar() -> RGB:
    """The part as designed: no defect, no noise, in the middle of the picture."""
    return np.asarray(_plain_part(LeadShape(), LeadShape()), np.uint8)


def part_masks() -> dict[str, npt.NDArray[np.uint8]]:
    """Where each part lies on the exemplar, as (96, 96) masks of 0 and 255."""
    body, marking, left, right = (np.zeros((SIDE_PX, SIDE_PX), np.uint8) for _ in range(4))
    cv2.rectangle(body, _BODY[:2], _BODY[2:], 255, -1)
    cv2.rectangle(marking, _MARKING[:2], _MARKING[2:], 255, -1)
    cv2.fillPoly(left, [_lead(_LEFT_LEAD_X, LeadShape())], 255)
    cv2.fillPoly(right, [_lead(_RIGHT_LEAD_X, LeadShape())], 255)
    body[marking > 0] = 0
    for lead in (left, right):
        lead[cv2.dilate(body, np.ones((3, 3), np.uint8)) > 0] = 0
    return {"body": body, "left_lead": left, "marking": marking, "right_lead": right}


def _plain_part(left: LeadShape, right: LeadShape) -> Picture:
    picture = np.full((SIDE_PX, SIDE_PX, 3), 96, np.uint8)
    for x_from_to, shape in ((_LEFT_LEAD_X, left), (_RIGHT_LEAD_X, right)):
        cv2.fillPoly(picture, [_lead(x_from_to, shape)], _METAL, cv2.LINE_AA)
    cv2.rectangle(picture, _BODY[:2], _BODY[2:], _PLASTIC, -1)
    cv2.circle(picture, (34, 63), 3, _PRINT, -1, cv2.LINE_AA)
    for x_px in range(_MARKING[0] + 1, _MARKING[2], 5):
        cv2.rectangle(picture, (x_px, _MARKING[1] + 1), (x_px + 2, _MARKING[3] - 1), _PRINT, -1)
    return picture.astype(np.float32)


def _lead(x_from_to: tuple[float, float], shape: LeadShape) -> npt.NDArray[np.int32]:
    start, tip = x_from_to
    tip += (start - tip) * shape.missing
    top, bottom = _LEAD_Y
    corners = np.array([[start, top], [tip, top], [tip, bottom], [start, bottom]])
    pivot = np.array([start, (top + bottom) / 2])
    angle = np.deg2rad(shape.turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(np.rint((corners - pivot) @ turn.T + pivot), np.int32)


def _lead_shapes(random: np.random.Generator, bent: bool) -> tuple[LeadShape, LeadShape]:
    left, right = (LeadShape(float(random.normal(0, 0.6))) for _ in range(2))
    if not bent:
        return left, right
    if random.random() < 0.4:
        damaged = LeadShape(missing=float(random.uniform(0.25, 1.0)))
    else:
        damaged = LeadShape(float(random.uniform(8, 22) * random.choice((-1, 1))))
    return (damaged, right) if random.random() < 0.5 else (left, damaged)


def _texture(random: np.random.Generator) -> Picture:
    coarse = random.normal(0, 5, (12, 12)).astype(np.float32)
    brushed = random.normal(0, 2, (SIDE_PX, 6)).astype(np.float32)
    return (_enlarged(coarse) + _enlarged(brushed))[:, :, None]


def _enlarged(values: Picture) -> Picture:
    whole = (SIDE_PX, SIDE_PX)
    return np.asarray(cv2.resize(values, whole, interpolation=cv2.INTER_CUBIC), np.float32)


def _somewhere_on_the_part(random: np.random.Generator) -> tuple[int, int]:
    left, top, right, bottom = _BODY
    if random.random() < 0.25:
        return int(random.integers(10, 86)), int(random.integers(45, 52))
    return int(random.integers(left + 4, right - 3)), int(random.integers(top + 4, bottom - 3))


def _scratched(picture: Picture, random: np.random.Generator) -> Picture:
    start = np.array(_somewhere_on_the_part(random), float)
    angle, length_px = random.uniform(0, np.pi), random.uniform(10, 26)
    along = np.array([np.cos(angle), np.sin(angle)])
    steps = np.linspace(-0.5, 0.5, 4)[:, None] * along * length_px
    line = np.rint(start + steps + random.normal(0, 1.0, (4, 2))).astype(np.int32)
    mark = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    cv2.polylines(mark, [line], False, 255, int(random.integers(1, 3)), cv2.LINE_AA)
    strength = random.uniform(35, 100)
    return np.asarray(picture + mark[:, :, None] / 255 * strength, np.float32)


def _stained(picture: Picture, random: np.random.Generator) -> Picture:
    x_px, y_px = _somewhere_on_the_part(random)
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    width_px, height_px = random.uniform(2.5, 6.5, 2)
    spot = np.exp(-(((columns - x_px) / width_px) ** 2) - ((rows - y_px) / height_px) ** 2)
    strength = random.uniform(45, 110) * random.choice((-0.8, 1.0))
    return np.asarray(picture + spot[:, :, None] * strength, np.float32)


def _photographed(picture: Picture, random: np.random.Generator) -> RGB:
    shift_x, shift_y = random.uniform(-2.1, 2.1, 2)
    move = np.array([[1, 0, shift_x], [0, 1, shift_y]], np.float32)
    moved = cv2.warpAffine(
        picture, move, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    slope = np.linspace(-1, 1, SIDE_PX, dtype=np.float32)[None, :, None] * random.normal(0, 0.04)
    lit = moved * (random.uniform(0.85, 1.15) + slope) + random.normal(0, 4, moved.shape)
    return np.asarray(np.clip(np.rint(lit), 0, 255), np.uint8)
