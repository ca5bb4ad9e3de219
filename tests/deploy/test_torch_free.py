"""The line PC has no torch: what runs there must never reach it."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import deploy

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "package", ["bench", "bundle", "calibration", "runtime", "scoring", "serving"]
)
def test_what_runs_on_the_line_never_reaches_torch(package: str) -> None:
    folder = Path(deploy.__path__[0]) / package
    modules = [f"deploy.{package}.{module.name}" for module in pkgutil.iter_modules([str(folder)])]
    assert len(modules) >= 3
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print({'torch', 'timm', 'onnx', 'onnxscript', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
