"""What a bundle says about itself: every file with its hash, names of parts, input and origin."""

import hashlib
import json
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from deploy.bundle.graph_outputs import GraphSizes, Precision
from span_train.contract.align import Align
from span_train.contract.errors import BundleError
from span_train.contract.image import Fit
from span_train.contract.layout import ELSEWHERE, FREE
from span_train.contract.marks import Motion

SCHEMA_VERSION: Literal[1] = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MODEL = "model.onnx"
LAYOUT = "layout.json"
LAYOUT_PICTURE = "layout.png"
POLICY = "policy.json"
PARITY = "parity.json"
CARD = "card.md"
SEEN = "seen.json"
REFERENCE = "reference.png"
EXPECTED = "examples/expected.npz"
REQUIRED_FILES = (MODEL, LAYOUT, LAYOUT_PICTURE, POLICY, PARITY, CARD, EXPECTED)
_SHA256 = r"^[0-9a-f]{64}$"


def _no_truth(value: object) -> object:
    """Python takes true for 1; a manifest may not."""
    return str(value) if isinstance(value, bool) else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Sha256 = Annotated[str, Field(pattern=_SHA256)]


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class InputContract(_Record):
    """What every image goes through before the graph; the same values as in training."""

    side_px: int = Field(ge=1)
    fit: Fit
    window: Annotated[tuple[int, int], BeforeValidator(_as_tuple)] | None = None
    max_pixels: int = Field(ge=1)
    align: Align = "off"
    motion: Motion = "rigid"


class Feature(_Record):
    """One feature of z and the part it belongs to: a part name, `elsewhere` or `free`."""

    name: str
    part: str


class Manifest(_Record):
    """The contents of `manifest.json`.

    Attributes:
        files: sha256 of every other file, by its name relative to the bundle's folder.
        model_id: sha256 of `model.onnx`.
        precision: Of the numbers inside the graph; what it takes and gives is always the same.
        grid: Side of the patch grid, G.
        heads, head_parts: Each attention head's name, and its part (None for a free head).
        features: The J features behind z, in the graph's order.
        defect_types: Names of the type columns; a single name has no column of its own.
        evidence_scale: Evidence of one patch that is drawn as full heat, in units of z.
        training: Facts about data and training, as the run saved them.
    """

    schema_version: Annotated[Literal[1], BeforeValidator(_no_truth)] = SCHEMA_VERSION
    name: str = Field(min_length=1)
    created: str
    files: dict[str, Sha256]
    model_id: Sha256
    precision: Precision
    input: InputContract
    grid: int = Field(ge=1)
    parts: Names
    heads: Names
    head_parts: Annotated[tuple[str | None, ...], BeforeValidator(_as_tuple)]
    features: Annotated[tuple[Feature, ...], BeforeValidator(_as_tuple)]
    defect_types: Names
    classes: Names
    evidence_scale: float = Field(gt=0.0)
    git_commit: str | None
    versions: dict[str, str]
    training: dict[str, JsonValue]

    @model_validator(mode="after")
    def _names_fit_together(self) -> "Manifest":
        known = {*self.parts, ELSEWHERE, FREE}
        if len(known) != len(self.parts) + 2:
            raise ValueError(f"part names must differ from each other and from {ELSEWHERE}, {FREE}")
        if len(self.heads) != len(self.head_parts):
            raise ValueError(f"{len(self.heads)} heads, but {len(self.head_parts)} head_parts")
        strange = ({feature.part for feature in self.features} - known) | (
            {part for part in self.head_parts if part is not None} - set(self.parts)
        )
        if strange:
            raise ValueError(f"unknown parts: {', '.join(sorted(strange))}")
        return self

    @model_validator(mode="after")
    def _files_stay_inside(self) -> "Manifest":
        outside = [name for name in self.files if not stays_inside(name)]
        if outside:
            raise ValueError(f"file names that leave the bundle: {', '.join(map(repr, outside))}")
        missing = [name for name in REQUIRED_FILES if name not in self.files]
        if missing:
            raise ValueError(f"files not listed: {', '.join(missing)}")
        if (self.input.align != "off") != (REFERENCE in self.files):
            raise ValueError(
                f"input.align is {self.input.align}, and {REFERENCE} does not fit that"
            )
        if self.files[MODEL] != self.model_id:
            raise ValueError(f"model_id is not the hash listed for {MODEL}")
        return self

    @property
    def sizes(self) -> GraphSizes:
        """The sizes of the graph's outputs."""
        types = len(self.defect_types) if len(self.defect_types) > 1 else 0
        return GraphSizes(
            types=types,
            heads=len(self.heads),
            grid=self.grid,
            features=len(self.features),
            parts=len(self.parts),
        )

    @property
    def contribution_groups(self) -> tuple[str, ...]:
        """The parts, then `elsewhere` and `free` where a feature belongs to them."""
        used = {feature.part for feature in self.features}
        return (*self.parts, *(group for group in (ELSEWHERE, FREE) if group in used))

    def as_bytes(self) -> bytes:
        """The exact bytes of `manifest.json`."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def parse_manifest(content: bytes, where: Path) -> Manifest:
    """Read the bytes of a `manifest.json`.

    Args:
        where: The file's path, for messages.

    Raises:
        BundleError: It is no manifest, or a newer version wrote it.
    """
    try:
        raw: Any = json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise BundleError(
            f"{where}: is not valid JSON ({problem}); copy the bundle again."
        ) from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BundleError(
            f"{where}: schema version {version}, but this program reads up to {SCHEMA_VERSION}; "
            "update the program, or export the run again with this version."
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as problem:
        listed = "; ".join(_mistake(error) for error in problem.errors())
        raise BundleError(f"{where}: is no valid manifest: {listed}; export again.") from None


def sha256(content: bytes) -> str:
    """The sha256 of some bytes, as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def stays_inside(name: str) -> bool:
    """Whether a file name from a manifest is a plain relative path below the bundle's folder."""
    path = PurePosixPath(name)
    plain = bool(path.parts) and "\\" not in name and "\0" not in name and str(path) == name
    windows = PureWindowsPath(name)
    return (
        plain
        and name not in (MANIFEST, SIGNATURE)
        and not path.is_absolute()
        and not (windows.drive or windows.root)
        and not {".", ".."} & set(path.parts)
    )


def _mistake(error: Any) -> str:
    place = ".".join(map(str, error["loc"])) or "the file"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
