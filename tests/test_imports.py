"""What runs on the line PC starts without torch, timm and onnx."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

TORCH_FREE = (
    "span_train.contract",
    "span_train.policy.policy",
    "deploy.bench",
    "deploy.bundle",
    "deploy.runtime",
    "deploy.scoring",
    "deploy.serving",
    "inspect_app.reports.document",
    "inspect_app.send",
    "inspect_app.store",
    "inspect_app.station",
    "inspect_app.watch",
    "inspect_app.cli.main",
    "inspect_app.layout_drawing",
)
# Scripts that Streamlit runs: they draw as soon as they are loaded.
_PAGES = ("inspect_app.station.app_pages", "inspect_app.station.app")


def modules_below(name: str) -> list[str]:
    """The module and, for a package, every module in it."""
    module = importlib.import_module(name)
    below = pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}.")
    return [name, *(one.name for one in below if not one.name.startswith(_PAGES))]


def test_what_the_layout_editor_computes_starts_without_streamlit() -> None:
    modules = modules_below("inspect_app.layout_drawing")
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print('streamlit' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", TORCH_FREE)
def test_a_fresh_interpreter_starts_it_without_torch(name: str) -> None:
    modules = modules_below(name)
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print([name for name in ('torch', 'timm', 'onnx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
