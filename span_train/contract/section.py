"""What all sections of the settings share: strict keys, and paths that start at the YAML."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo


def _from_yaml_folder(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        value = Path(value).expanduser()
    if isinstance(value, Path) and info.context:
        return (Path(info.context["folder"]) / value).resolve()
    return value


def as_tuple(value: object) -> object:
    """YAML knows lists only; settings are frozen."""
    return tuple(value) if isinstance(value, list) else value


LinePath = Annotated[Path, BeforeValidator(_from_yaml_folder)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


class Section(BaseModel):
    """A frozen part of the settings that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())
