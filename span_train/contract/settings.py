"""The settings of one line: a strict YAML whose mistakes are all named at once, with the cure.

Relative paths start at the YAML's folder. Settings are frozen; a run saves the resolved ones.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from span_train.contract.align import Align
from span_train.contract.errors import SettingsError
from span_train.contract.layout_settings import LayoutSettings
from span_train.contract.marks import Motion
from span_train.contract.pretrain_settings import PretrainSettings
from span_train.contract.reference import check_reference, with_reference
from span_train.contract.section import Fraction, LinePath, Section, as_tuple
from span_train.contract.train_settings import TrainSettings
from span_train.contract.warm_start import with_warm_defaults


class SplitSettings(Section):
    """How labelled images are divided where the labels have no `split` column."""

    train: Fraction = 0.4
    calibration: Fraction = 0.3
    seed: int = Field(0, ge=0)
    group_pattern: str | None = Field(
        None, description="Regex whose first group names the physical part in the file name."
    )
    look_alikes: Literal["ignore", "together"] = Field(
        "ignore",
        description="together: copies of one scene, moved, turned or saved again, are one part.",
    )

    @model_validator(mode="after")
    def _leaves_a_test_share(self) -> "SplitSettings":
        if self.train + self.calibration >= 1.0:
            raise ValueError("train + calibration must stay below 1, the rest is the test split")
        return self


def _off_as_text(value: object) -> object:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


class InputSettings(Section):
    """What every image goes through before the network."""

    side_px: int = Field(112, ge=32, le=1024)
    fit: Literal["stretch", "letterbox", "crop"] = "stretch"
    window: Annotated[tuple[int, int], BeforeValidator(as_tuple)] | None = Field(
        None, description="16-bit images: the values shown as black and as white."
    )
    max_pixels: int = Field(64_000_000, ge=1024)
    align: Annotated[Align, BeforeValidator(_off_as_text)] = Field(
        "off",
        description="How parts that shift or turn are brought to the reference: ecc, features.",
    )
    motion: Motion = Field("rigid", description="What they may differ by: shifts and turns.")
    reference: LinePath | None = Field(
        None,
        description="The image they are brought to; by default the exemplar, or the most typical.",
    )

    @model_validator(mode="after")
    def _window_rises(self) -> "InputSettings":
        if self.window is not None and self.window[0] >= self.window[1]:
            raise ValueError(f"window must rise, found {list(self.window)}")
        return self


class ModelSettings(Section):
    """The Vision Transformer: `small` with the sizes below, or any timm ViT with a class token."""

    name: str = "small"
    patch_px: int = Field(8, ge=2, le=64)
    width: int = Field(192, ge=16)
    depth: int = Field(6, ge=2)
    heads: int = Field(6, ge=3)
    weights: LinePath | None = Field(None, description="A local safetensors file to start from.")
    pretrained: bool = Field(False, description="Load timm's weights (needs internet).")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ModelSettings":
        if self.name == "small" and self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        return self

    @model_validator(mode="after")
    def _starts_in_one_way(self) -> "ModelSettings":
        if self.pretrained and self.weights is not None:
            raise ValueError("weights and pretrained are two ways to start; keep one")
        if self.pretrained and self.name == "small":
            raise ValueError("timm has no weights for `small`; name one of its networks")
        return self


class GoalSettings(Section):
    """What the line promises; fixed before looking at any calibration image."""

    escape: Fraction = 0.10
    overkill: Fraction = 0.10
    confidence: Fraction = 0.95


class LineSettings(Section):
    """One line: its images, layout, network, training and goals."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    images: Annotated[tuple[LinePath, ...], BeforeValidator(as_tuple)] = Field(min_length=1)
    labels: LinePath | None = Field(None, description="A CSV, or a folder with one folder a class.")
    good_class: str = "good"
    splits: SplitSettings = SplitSettings()
    layout: LayoutSettings = LayoutSettings(source="statistics")
    input: InputSettings = InputSettings()
    model: ModelSettings = ModelSettings()
    pretrain: PretrainSettings = PretrainSettings()
    train: TrainSettings = TrainSettings()
    goals: GoalSettings = GoalSettings()

    @model_validator(mode="before")
    @classmethod
    def _warm_defaults(cls, raw: object) -> object:
        return with_warm_defaults(raw)

    @model_validator(mode="before")
    @classmethod
    def _aligned_to_the_exemplar(cls, raw: object) -> object:
        return with_reference(raw)

    @model_validator(mode="after")
    def _aligns_to_one_image(self) -> "LineSettings":
        check_reference(self.input.align, self.input.reference, self.layout)
        return self

    @model_validator(mode="after")
    def _has_features_to_keep(self) -> "LineSettings":
        warm = self.model.pretrained or self.model.weights is not None
        if self.pretrain.objective == "steady" and not warm:
            raise ValueError(
                "pretrain.objective: steady keeps what a pretrained network sees; name its weights "
                "(model.weights or model.pretrained), or use masked"
            )
        return self


def read_settings(path: Path, overrides: tuple[str, ...] = ()) -> LineSettings:
    """Read a line's YAML and lay `key.sub=value` overrides over it.

    Args:
        path: The YAML file.
        overrides: Texts like ``pretrain.steps=200``; values are parsed as YAML.

    Raises:
        SettingsError: The file is missing or no YAML mapping, or any key or value is wrong; all
            mistakes are listed in one message.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path}: cannot be read ({problem}); give the line's YAML.") from None
    except yaml.YAMLError as problem:
        raise SettingsError(f"{path}: is not valid YAML: {problem}") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path}: found {type(raw).__name__}, expected `key: value` lines.")
    for override in overrides:
        _lay_over(raw, override)
    return settings_from_dict(raw, folder=path.resolve().parent, where=str(path))


def settings_from_dict(raw: dict[str, Any], folder: Path, where: str) -> LineSettings:
    """Check a mapping against the settings; relative paths start at `folder`.

    Raises:
        SettingsError: Any key or value is wrong; all mistakes are listed in one message.
    """
    try:
        return LineSettings.model_validate(raw, context={"folder": folder})
    except ValidationError as problem:
        lines = [_mistake(error) for error in problem.errors()]
        count = f"{len(lines)} mistake" + ("s" if len(lines) > 1 else "")
        raise SettingsError(f"{where}: {count} in the settings:\n  " + "\n  ".join(lines)) from None


def dump_settings(settings: LineSettings) -> str:
    """The settings as YAML text, with every default written out and paths absolute."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _lay_over(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"--set {override}: expected key=value, like pretrain.steps=200.")
    *sections, last = key.strip().split(".")
    place = raw
    for section in sections:
        if not isinstance(place.get(section), dict):
            place[section] = {}
        place = place[section]
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError as problem:
        raise SettingsError(f"--set {override}: the value is not valid YAML: {problem}") from None


def _mistake(error: Any) -> str:
    place = tuple(str(step) for step in error["loc"])
    key = ".".join(place) or "the file"
    if error["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        near = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "known: " + ", ".join(known)
        return f"{key}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{key}: missing, and needed"
    message = error["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + (
        "" if isinstance(error["input"], dict | BaseModel) else f"; found {error['input']!r}"
    )


def _known_keys(place: tuple[str, ...]) -> list[str]:
    section: Any = LineSettings
    for step in place:
        inner = get_args(section)  # of a mapping by name, such as `intensity`
        field = None if inner else getattr(section, "model_fields", {}).get(step)
        section = inner[-1] if inner else field and field.annotation
        if section is None:
            return []
    return list(getattr(section, "model_fields", ()))
