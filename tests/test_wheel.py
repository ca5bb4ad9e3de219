"""The wheel installs on a bare line PC, without torch, and its command answers."""

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("span_train", "deploy", "inspect_app")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def uv() -> Path:
    """uv, as the environment of these tests has it."""
    found = Path(sys.executable).with_name("uv")
    return found if found.exists() else Path(shutil.which("uv") or pytest.skip("uv is missing"))


@pytest.fixture(scope="module")
def wheel(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left in the sources."""
    copy = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    run(uv, "build", "--wheel", "--out-dir", copy / "dist", folder=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def line_pc(uv: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a clean environment with the base install."""
    place = tmp_path_factory.mktemp("line_pc")
    run(uv, "venv", "--python", sys.executable, place / "venv", folder=place)
    programs = place / "venv" / "bin"
    run(
        uv, "pip", "install", "--python", programs / "python",
        "--constraint", ROOT / "constraints.txt", wheel, folder=place,
    )  # fmt: skip
    return programs


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        tops = {name.split("/")[0] for name in content.namelist()}
        names = set(content.namelist())
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= names


def test_the_base_install_has_no_torch_and_one_onnxruntime(line_pc: Path, uv: Path) -> None:
    listed = run(uv, "pip", "freeze", "--python", line_pc / "python", folder=line_pc).stdout
    names = {line.split("==")[0].split(" @ ")[0] for line in listed.splitlines()}
    assert not names & {"torch", "timm", "onnx", "onnxscript", "scikit-learn"}
    assert len(names & {"onnxruntime", "onnxruntime-gpu"}) == 1


def test_the_command_answers_on_the_line_pc(line_pc: Path) -> None:
    assert "doctor" in run(line_pc / "inspect", "--help", folder=line_pc).stdout
    told = run(line_pc / "inspect", "doctor", folder=line_pc).stdout
    assert "runs on cpu: yes" in told
    assert "no torch, so this machine does not train" in told


def test_the_line_pc_verifies_and_scores_with_a_bundle(
    line_pc: Path, quick_demo: Path, tmp_path: Path
) -> None:
    told = run(line_pc / "inspect", "verify", quick_demo / "bundle", folder=tmp_path).stdout
    assert "cpu" in told
    run(
        line_pc / "inspect", "score", quick_demo / "test", "--bundle", quick_demo / "bundle",
        "--out", "results.csv", folder=tmp_path,
    )  # fmt: skip
    here, there = (
        {
            Path(row["path"]).name: row["verdict"]
            for row in csv.DictReader(file.read_text("utf-8").splitlines())
        }
        for file in (tmp_path / "results.csv", quick_demo / "results.csv")
    )
    assert here == there
    assert len(here) == 80
