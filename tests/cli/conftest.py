"""What tests of commands share: the console script in this process, and the tiny bundle."""

import sys
from collections.abc import Callable

import pytest

from inspect_app.cli.main import main


@pytest.fixture
def run_inspect(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `inspect ARGUMENTS...` in this process: exit code, stdout, stderr."""
    monkeypatch.delenv("INSPECT_STORE_URL", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inspect", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run
