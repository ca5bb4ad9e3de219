"""The command line: help for everything, exit codes, one line for what a user can mend."""

import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from inspect_app.cli import main as cli
from span_train.contract.errors import GateMissed, InputError

RUNNER = CliRunner()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command's entry point, in a process of its own."""
    code = "from inspect_app.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help_with_an_example_and_its_exit_codes(command: str) -> None:
    result = RUNNER.invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    assert f"inspect {command}" in text
    assert "Example" in text
    assert "Exit codes" in text


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_option_of_every_command_is_explained(command: str) -> None:
    registered = {info.name: info.callback for info in cli.app.registered_commands}
    callback = registered[command]
    assert callback is not None
    for name, annotation in callback.__annotations__.items():
        for option in getattr(annotation, "__metadata__", ()):
            assert option.help, f"{command}: {name} has no help"


def test_the_list_of_commands_is_complete_and_in_the_order_of_the_work() -> None:
    registered = [info.name for info in cli.app.registered_commands]
    assert registered == list(cli.COMMANDS)


def test_help_comes_at_once() -> None:
    """0.5 s is promised; busy machines get twice that."""
    times_s = []
    for _ in range(4):
        start = time.perf_counter()
        assert run("--help").returncode == 0
        times_s.append(time.perf_counter() - start)
    assert min(times_s) < 1.0


def test_help_loads_nothing_heavy() -> None:
    heavy = (
        "numpy",
        "cv2",
        "torch",
        "onnxruntime",
        "pydantic",
        "sqlalchemy",
        "streamlit",
        "pandas",
    )
    code = (
        "import sys, inspect_app.cli.main; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("no-such-command",), "No such command"),
        (("init", "--no-such-option"), "No such option"),
        (("init", "line.yaml"), "Missing option '--images'"),
        (("layout",), "Missing argument"),
        (("layout", "a.yaml", "--from", "thin air", "--out", "b"), "Invalid value"),
        (("init", "a.yaml", "--images", ".", "--masks", "."), "--exemplar and --masks together"),
    ],
)
def test_a_usage_error_is_2_with_a_word_on_stderr(
    arguments: tuple[str, ...], expected: str
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_input_error_is_3_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(InputError("a.png: a text file, expected an image.")) == 3
    assert capsys.readouterr().err == "inspect: a.png: a text file, expected an image.\n"


def test_a_missed_gate_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(GateMissed("escapes 3 % > 1 %")) == 4
    assert capsys.readouterr().err == "inspect: escapes 3 % > 1 %\n"


def test_anything_else_keeps_its_traceback_and_is_1() -> None:
    code = (
        "import inspect_app.cli.main as cli\n"
        "@cli.app.command()\n"
        "def breaks() -> None:\n"
        "    raise ZeroDivisionError('ours to mend')\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "breaks"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError: ours to mend" in done.stderr


def test_the_version_is_printed() -> None:
    result = RUNNER.invoke(cli.app, ["--version"])
    assert result.exit_code == 0
    assert result.output.strip()[0].isdigit()


def exit_code_of(problem: Exception) -> object:
    def raises() -> None:
        raise problem

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "app", raises)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
    return stopped.value.code
