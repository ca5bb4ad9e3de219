"""Refuse to go on with a run under settings or data that would make it another run."""

from pathlib import Path
from typing import Any

from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings, read_settings
from span_train.storage.run_folder import read_json

_FREE = {"pretrain.steps", "pretrain.device", "pretrain.checkpoint_every"}
_LATER = ("train.", "goals.")


def resumed_settings(asked: LineSettings, out: Path, facts: dict[str, str]) -> LineSettings:
    """The settings a run was started with, which it goes on with.

    Args:
        asked: The line as it is now; what only later commands need may differ.
        out: The run folder.
        facts: Digests of what the run depends on beside the settings, by name.

    Raises:
        RunError: Something differs that would make it another run; all of it is listed.
    """
    saved = read_settings(out / "settings.yaml")
    before, now = (_flat(one.model_dump(mode="json")) for one in (saved, asked))
    changed = [
        f"{key}: {before.get(key)} in the run, {now.get(key)} now"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key not in _FREE and not key.startswith(_LATER)
    ]
    described = read_json(out / "run.json")
    changed += [f"the {name} changed" for name, value in facts.items() if described[name] != value]
    if changed:
        raise RunError(
            f"{out}: cannot be resumed, this would be another run:\n  "
            + "\n  ".join(changed)
            + "\nset them back, or start a new run with another --out."
        )
    return saved


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat
