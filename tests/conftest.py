"""What many tests share: a small drawn line, a tiny pretrained run, the quick demo, pictures."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from span_train.contract.settings import LineSettings, read_settings
from span_train.data.demo_data import draw_line
from tests.drawn_plates import Plate, draw_plate

pytest_plugins = ["tests.tiny_bundle"]

# Enough to run through every step of the method within a second; it learns next to nothing.
TINY = (
    "model.width=48",
    "model.depth=2",
    "pretrain.steps=6",
    "pretrain.batch_size=8",
    "pretrain.checkpoint_every=2",
    "pretrain.device=cpu",
    "train.projected=8",
)

_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

_OWN_MAIN = sys.modules["__main__"]

settings.register_profile("no_deadline", deadline=None)  # other work may slow a machine down
settings.load_profile("no_deadline")


def pytest_runtest_teardown() -> None:
    """A page under test takes the place of `__main__`, which processes that are spawned run."""
    sys.modules["__main__"] = _OWN_MAIN


@pytest.fixture(autouse=True, scope="session")
def chain_key_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The key that seals decisions: no test makes or needs that of the user."""
    path = tmp_path_factory.mktemp("key") / "chain.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CHAIN_KEY", str(path))
        yield path


@pytest.fixture(scope="session")
def drawn_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The line.yaml of a small drawn line: 24 unlabelled, 4 + 6 + 4 of each class; only read it."""
    folder = tmp_path_factory.mktemp("drawn")
    return draw_line(folder, seed=1, unlabelled=24, train=4, calibration=6, test=4)


@pytest.fixture(scope="session")
def tiny_line(drawn_line: Path) -> Callable[..., LineSettings]:
    """Settings of the drawn line with a tiny network: ``tiny_line("train.top_k=3")``."""

    def read(*overrides: str) -> LineSettings:
        return read_settings(drawn_line, (*TINY, *overrides))

    return read


@pytest.fixture(scope="session")
def pretrained_run(
    tiny_line: Callable[..., LineSettings], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished `inspect pretrain` of the tiny line, six steps; only read it."""
    from span_train.pretrain.run import pretrain

    out = tmp_path_factory.mktemp("pretrained") / "run"
    pretrain(tiny_line(), out)
    return out


@pytest.fixture(scope="session")
def quick_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `inspect demo --quick`, run once for all test processes; only read it.

    What it said lies beside it as `.log`, the key that it sealed with as `.key`.
    """
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):  # one of several processes of pytest-xdist
        shared = shared.parent
    folder, log = shared / "quick-demo", shared / "quick-demo.log"
    with (shared / "quick-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.is_file():
            program = Path(sys.executable).with_name("inspect")
            done = subprocess.run(
                [program, "demo", "--quick", "--out", folder],
                env=os.environ | {"INSPECT_CHAIN_KEY": str(folder.with_suffix(".key"))},
                capture_output=True,
                text=True,
                check=False,
            )
            log.write_text(f"{done.returncode}\n{done.stdout}{done.stderr}", encoding="utf-8")
    said = log.read_text(encoding="utf-8")
    assert said.startswith("0\n"), said
    return folder


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Write a small random picture below the test's folder; another seed gives other pixels."""

    def write(name: str, seed: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def plate() -> Plate:
    """Draw one plate: ``plate(seed)``."""
    return draw_plate


@pytest.fixture(scope="session")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 different plates; only read it."""
    folder = tmp_path_factory.mktemp("plates")
    for seed in range(24):
        Image.fromarray(draw_plate(seed)).save(folder / f"plate{seed:02}.png")
    return folder


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that the system has; the set-up installs it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("no `chromium` on the PATH: install Debian's chromium package.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        yield browser
        browser.close()
