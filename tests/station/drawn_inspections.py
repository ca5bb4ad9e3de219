"""Drawn relays and what an inspector might have found in them, for tests that need a store."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from deploy.bundle.manifest import MODEL, REQUIRED_FILES, Feature, InputContract, Manifest
from deploy.bundle.read import Bundle
from deploy.runtime.inspector import Inspection
from deploy.scoring.results import ResultRow, ScoredImage
from inspect_app.store import StoreReader, open_store
from span_train.contract.image import RGB, fit
from span_train.contract.image_quality import measure_quality
from span_train.contract.layout import Layout
from span_train.policy.policy import Policy

HEIGHT_PX, WIDTH_PX = 720, 960
SIDE_PX, GRID = 112, 14
PARTS = ("body", "label", "left_lead", "right_lead")
HEADS = (*PARTS, "free 1", "free 2")
BIAS = -2.4
POLICY = Policy(t_pass=-0.8, t_fail=1.1, outlier_limit=30.0)
PINS = {"Anna": "408213", "Rita": "951372"}
# left, top, right, bottom
BOXES = {
    "body": (230, 110, 730, 520),
    "label": (330, 210, 630, 330),
    "left_lead": (300, 520, 350, 680),
    "right_lead": (610, 520, 660, 680),
}


@dataclass(frozen=True)
class Defect:
    """Something drawn on a relay: where (in pixels of the image), and how bad it looks."""

    part: str
    x: float
    y: float
    strength: float


def layout() -> Layout:
    """The four parts of the relay."""
    masks_khw = np.zeros((len(PARTS), HEIGHT_PX, WIDTH_PX), np.float32)
    for mask, name in zip(masks_khw, PARTS, strict=True):
        left, top, right, bottom = BOXES[name]
        mask[top:bottom, left:right] = 1
    left, top, right, bottom = BOXES["label"]
    masks_khw[0, top:bottom, left:right] = 0
    return Layout(PARTS, masks_khw, "exemplar")


def bundle() -> Bundle:
    """A bundle as the store sees it; its graph is never run."""
    files = dict.fromkeys(REQUIRED_FILES, "0" * 64)
    groups = (*PARTS, "elsewhere", "free")
    manifest = Manifest(
        name="relay-v4",
        created="2025-03-01T08:00:00+00:00",
        precision="float32",
        files=files,
        model_id=files[MODEL],
        input=InputContract(side_px=SIDE_PX, fit="stretch", max_pixels=64_000_000),
        grid=GRID,
        parts=PARTS,
        heads=HEADS,
        head_parts=(*PARTS, None, None),
        features=tuple(Feature(name=f"{group}_d2", part=group) for group in groups),
        defect_types=("scratch", "bent lead"),
        classes=("good", "scratch", "bent lead"),
        evidence_scale=0.45,
        git_commit=None,
        versions={},
        training={},
    )
    return Bundle(Path("relay-v4"), manifest, POLICY, layout(), "b" * 64, b"")


def draw_relay(seed: int, defect: Defect | None) -> RGB:
    """A relay on a conveyor, photographed from above."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, WIDTH_PX, dtype=np.float32)[None, :]
    belt = np.repeat((58 + 22 * rows + 10 * columns)[..., None], 3, axis=2)
    image = (belt + np.array([-4, 0, 5], np.float32)).astype(np.uint8)
    for name, colour in (("left_lead", 176), ("right_lead", 176), ("body", 36), ("label", 206)):
        _draw_box(image, BOXES[name], colour, name)
    _draw_print(image)
    if defect is not None:
        _draw_defect(image, defect, random)
    shade = 1.08 - 0.3 * ((columns - 0.42) ** 2 + (rows - 0.4) ** 2)
    seen = np.asarray(cv2.GaussianBlur(image * shade[..., None], (0, 0), 0.9))
    seen = seen + random.normal(0, 2.2, (HEIGHT_PX, WIDTH_PX, 1))
    return np.clip(seen, 0, 255).astype(np.uint8)


def scored_image(
    position: int,
    path: str,
    seed: int,
    verdict: str,
    defect: Defect | None = None,
    contributions: dict[str, float] | None = None,
) -> ScoredImage:
    """One relay as the line hands it to the store; `unreadable` has no picture and no numbers."""
    when = datetime(2025, 3, 4, 6, 0, tzinfo=UTC) + timedelta(seconds=7 * position)
    if verdict == "unreadable":
        reason = f"{path}: cannot be decoded (image file is truncated); the file is damaged."
        return ScoredImage(position, _row(path, seed, when, None, reason), None, None)
    image = draw_relay(seed, defect)
    inspection = _inspection(image, seed, defect, contributions or {})
    assert inspection.verdict == verdict, (inspection.verdict, inspection.z)
    return ScoredImage(
        position, _row(path, seed, when, inspection, inspection.reason), inspection, image
    )


def a_handful() -> list[ScoredImage]:
    """Pass, recheck, fail, unreadable, and the same content twice."""
    scratch = Defect("body", 560, 430, 1.0)
    mark = Defect("label", 420, 290, 0.45)
    bent = Defect("left_lead", 325, 600, 0.9)
    good = {
        "body": -0.35,
        "label": 0.08,
        "left_lead": -0.12,
        "right_lead": 0.05,
        "elsewhere": -0.2,
        "free": 0.02,
    }
    doubt = {
        "body": 0.32,
        "label": 1.61,
        "left_lead": -0.15,
        "right_lead": 0.04,
        "elsewhere": 0.55,
        "free": 0.21,
    }
    bad = {
        "body": 3.42,
        "label": 0.21,
        "left_lead": -0.28,
        "right_lead": 0.11,
        "elsewhere": 1.35,
        "free": 0.4,
    }
    worse = {
        "body": 0.3,
        "label": -0.1,
        "left_lead": 4.9,
        "right_lead": 0.6,
        "elsewhere": 1.9,
        "free": 0.8,
    }
    return [
        scored_image(0, "/line3/relay_0001.png", 1, "pass", None, good),
        scored_image(1, "/line3/relay_0002.png", 2, "recheck", mark, doubt),
        scored_image(2, "/line3/relay_0003.png", 3, "fail", scratch, bad),
        scored_image(3, "/line3/relay_0004.png", 4, "fail", bent, worse),
        scored_image(4, "/line3/relay_0005.png", 5, "unreadable"),
        scored_image(5, "/line3/copy of relay_0001.png", 1, "pass", None, good),
    ]


def store_with(scored: list[ScoredImage], folder: Path, blind_share: float = 0.0) -> str:
    """A new store in a folder that holds these, and the operator Anna; its URL.

    Args:
        blind_share: Of the passes, in blind review; a new store's own seed would differ each time.
    """
    url = f"sqlite:///{folder / 'line.db'}"
    with open_store(url) as store:
        store._facts = replace(store._facts, blind_review_share=blind_share)
        store.register_bundle(bundle())
        store.add(scored)
    with StoreReader(url) as reader:
        reader.operators.add("Anna", "operator", PINS["Anna"], by="a test")
    return url


def _inspection(
    image: RGB, seed: int, defect: Defect | None, contributions: dict[str, float]
) -> Inspection:
    square, geometry = fit(image, SIDE_PX)
    z = BIAS + sum(contributions.values())
    verdict = POLICY.decide(z, 12.0)
    evidence_gg = _evidence(seed, defect, z - BIAS)
    return Inspection(
        z=z,
        verdict=verdict.name,
        reason=verdict.reason,
        defect_type={"body": "scratch", "left_lead": "bent lead"}.get(defect.part)
        if defect
        else None,
        outlier=12.0,
        outlier_parts=dict.fromkeys(PARTS, 3.0),
        contributions=contributions,
        bias=BIAS,
        evidence=evidence_gg,
        attention=_attention(seed),
        geometry=geometry,
        fitted=square,
        quality=measure_quality(square),
        latency_ms=11.8,
    )


def _row(path: str, seed: int, when: datetime, found: Inspection | None, reason: str) -> ResultRow:
    return ResultRow(
        path=path,
        sha256=f"{seed:064x}",
        status="ok" if found else "unreadable",
        verdict=found.verdict if found else None,
        reason=reason,
        defect_type=found.defect_type if found else None,
        z=found.z if found else None,
        outlier=found.outlier if found else None,
        t_pass=POLICY.t_pass,
        t_fail=POLICY.t_fail,
        outlier_limit=POLICY.outlier_limit,
        bias=found.bias if found else None,
        contributions=found.contributions if found else {},
        quality=found.quality if found else None,
        bundle_id="b" * 64,
        model_id="0" * 64,
        provider="cpu",
        latency_ms=found.latency_ms if found else None,
        time=when,
    )


def _evidence(seed: int, defect: Defect | None, total: float) -> npt.NDArray[np.float32]:
    """Evidence over the grid that sums to `total`, most of it at the defect."""
    noise_gg = np.random.default_rng(seed).normal(0, 0.015, (GRID, GRID))
    if defect is not None:
        places = (np.arange(GRID) + 0.5) / GRID
        away_x, away_y = (
            places[None, :] - defect.x / WIDTH_PX,
            places[:, None] - defect.y / HEIGHT_PX,
        )
        bump_gg = np.exp(-(away_x**2 + away_y**2) / (2 * 0.055**2))
        noise_gg += bump_gg / bump_gg.sum() * (total - noise_gg.sum())
    noise_gg += (total - noise_gg.sum()) / GRID**2
    return noise_gg.astype(np.float32)


def _attention(seed: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    maps = [
        cv2.resize(mask, (GRID, GRID), interpolation=cv2.INTER_AREA) for mask in layout().masks_khw
    ]
    maps += [cv2.GaussianBlur(random.random((GRID, GRID)) ** 4, (0, 0), 1.1) for _ in range(2)]
    stacked = np.stack(maps) * random.uniform(0.6, 1.4, (len(maps), GRID, GRID)) + 0.01
    return np.asarray(stacked / stacked.sum(axis=(1, 2), keepdims=True), np.float32)


def _draw_box(image: RGB, box: tuple[int, int, int, int], colour: float, name: str) -> None:
    left, top, right, bottom = box
    cv2.rectangle(image, (left + 9, top + 11), (right + 9, bottom + 11), (34, 36, 40), -1)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), (colour, colour, colour + 3), -1)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), (colour * 0.6,) * 3, 3)
    cv2.line(image, (left + 5, top + 5), (right - 6, top + 5), (colour * 1.25 + 22,) * 3, 3)
    if name.endswith("lead"):
        for x in range(left + 8, right - 6, 7):
            cv2.line(image, (x, top), (x, bottom - 4), (colour * 1.12,) * 3, 2)


def _draw_print(image: RGB) -> None:
    for line, (words, size) in enumerate((("K1  24 VDC", 1.15), ("16 A  250 V~", 0.85))):
        place = (356, 262 + 46 * line)
        cv2.putText(
            image, words, place, cv2.FONT_HERSHEY_DUPLEX, size, (40, 44, 60), 2, cv2.LINE_AA
        )
    for x in (262, 698):
        cv2.circle(image, (x, 150), 15, (22, 22, 24), -1, cv2.LINE_AA)
        cv2.circle(image, (x, 150), 15, (74, 76, 80), 2, cv2.LINE_AA)


def _draw_defect(image: RGB, defect: Defect, random: np.random.Generator) -> None:
    x, y = round(defect.x), round(defect.y)
    if defect.part == "left_lead":
        left, _, right, bottom = BOXES["left_lead"]
        cv2.rectangle(image, (left - 4, y - 8), (right + 12, bottom + 14), (74, 78, 84), -1)
        shape = np.array(
            [[left, y - 8], [right, y - 8], [right - 34, bottom], [left - 42, bottom - 8]]
        )
        cv2.fillPoly(image, [shape], (170, 172, 176), cv2.LINE_AA)
        cv2.polylines(image, [shape], True, (104, 104, 108), 3, cv2.LINE_AA)
        return
    steps = np.cumsum(random.normal((7, -4), (2, 3), (14, 2)), axis=0) * defect.strength
    line = np.round(steps - steps.mean(axis=0) + (x, y)).astype(np.int32)
    tone = (168, 166, 160) if defect.part == "body" else (112, 100, 88)
    cv2.polylines(image, [line], False, tone, 4, cv2.LINE_AA)
    cv2.polylines(image, [line + (3, 3)], False, (18, 18, 20), 2, cv2.LINE_AA)
