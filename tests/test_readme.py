"""What README and guide say can be typed: commands, options, settings, tables and Python."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer
import yaml

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS
from deploy.bundle.manifest import MANIFEST, REFERENCE, REQUIRED_FILES, SEEN
from inspect_app.cli.main import COMMANDS, app
from span_train.contract.errors import InspectionError
from span_train.contract.settings import LineSettings, settings_from_dict
from span_train.policy.bounds import needed_parts
from tests.tiny_bundle import draw_part, save_image

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md")))
README = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
WAY = "From your own folder of images to a running station"


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.M | re.S)
    assert found, title
    return found[1]


def fenced(language: str, text: str = README) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def first_column(text: str) -> list[str]:
    """What stands between backticks in the first column of the tables of a text."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def parse(words: list[str]) -> None:
    """Let Typer read a command line, without running it."""
    group = typer.main.get_command(app)
    with group.make_context("inspect", list(words)) as context:
        command = group.get_command(context, words[0])  # type: ignore[attr-defined]
        assert command is not None, words[0]
        command.make_context(words[0], words[1:], parent=context).close()


SHELL = [line for block in fenced("sh") for line in block.splitlines()]
TYPED = [line for line in SHELL if re.match(r"(\S+/bin/)?inspect ", line)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_line_in_the_readme(command: str) -> None:
    assert re.search(rf"\binspect {command}\b", README)


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|`|\n\s*)inspect ([a-z][a-z-]*)", README))
    assert named <= set(COMMANDS)


def test_the_table_of_commands_is_complete_and_in_their_order() -> None:
    commands = [name for name in first_column(section("Commands")) if name.startswith("inspect ")]
    assert tuple(name.removeprefix("inspect ") for name in commands) == COMMANDS


def test_nine_commands_lead_from_images_to_a_station() -> None:
    (block,) = fenced("sh", section(WAY))
    assert [line.split()[1] for line in block.splitlines()] == [
        "init",
        "check",
        "layout",
        "pretrain",
        "train",
        "evaluate",
        "export",
        "score",
        "station",
    ]


@pytest.mark.parametrize("line", TYPED)
def test_a_command_of_the_readme_parses(line: str) -> None:
    parse(shlex.split(line)[1:])


def test_a_command_with_a_wrong_option_would_not_parse() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["verify", "bundle", "--bundel"])


def test_what_one_command_leaves_is_what_the_next_one_takes() -> None:
    (block,) = fenced("sh", section(WAY))
    of = {line.split()[1]: shlex.split(line) for line in block.splitlines()}

    def option(command: str, name: str) -> str:
        return of[command][of[command].index(name) + 1]

    assert option("pretrain", "--out") == option("train", "--backbone")
    assert option("train", "--out") == option("evaluate", "--run") == option("export", "--run")
    assert option("export", "--out") == option("score", "--bundle")
    assert option("score", "--store") == option("station", "--store")
    lines = {
        of[command][2] for command in ("init", "check", "layout", "pretrain", "train", "evaluate")
    }
    assert lines == {"line.yaml"}


def test_options_in_the_table_of_commands_exist() -> None:
    group = typer.main.get_command(app)
    for row in section("Commands").splitlines():
        if named := re.match(r"\| `inspect ([a-z-]+)`", row):
            command = group.commands[named[1]]  # type: ignore[attr-defined]
            known = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", row)) <= known


def test_the_python_of_the_readme_runs_on_a_bundle(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(request.getfixturevalue("bundle_folder"), tmp_path / "bundle")
    save_image(tmp_path / "part.png", draw_part(0))
    monkeypatch.chdir(tmp_path)
    (snippet,) = fenced("python")
    exec(compile(snippet, "README.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] in ("pass", "recheck", "fail")


def test_the_settings_are_those_of_a_line() -> None:
    assert set(first_column(section("Settings"))) == set(LineSettings.model_fields) - {"name"}


def test_the_layout_of_the_readme_is_one_of_a_line() -> None:
    (snippet,) = fenced("yaml", section("Layouts"))
    raw = {"name": "pump", "images": ["photos"], **yaml.safe_load(snippet)}
    layout = settings_from_dict(raw, Path("/line"), "README.md").layout
    assert (layout.source, list(layout.intensity)) == ("intensity", ["lead", "hole", "label"])


def test_the_bundle_s_files_and_outputs_are_those_of_the_program() -> None:
    files, outputs = section("Bundle").split("| output |")
    named = first_column(files)
    known = {MANIFEST, SEEN, REFERENCE, "examples/", *REQUIRED_FILES}
    assert set(named) == known - {"examples/expected.npz"}
    assert tuple(first_column(outputs)) == GRAPH_OUTPUTS


def test_the_statuses_over_http_are_those_that_the_interface_describes(
    request: pytest.FixtureRequest,
) -> None:
    from deploy.runtime.inspector import Inspector
    from deploy.serving.app import make_app
    from deploy.serving.service import InspectionService

    with InspectionService(Inspector.open(request.getfixturevalue("bundle_folder"))) as service:
        described = make_app(service).openapi()["paths"]
    told = re.findall(r"^\| (\d{3}) \|", section("Over HTTP"), re.M)
    assert told == sorted(described["/inspect"]["post"]["responses"])
    assert all(f" {path}`" in section("Over HTTP") for path in described)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", section("Commands"), re.M)}
    kinds = [InspectionError, *InspectionError.__subclasses__()]
    assert told == {0, 1, 2, 5} | {kind.exit_code for kind in kinds}


def test_the_number_of_defective_parts_for_one_percent_is_right() -> None:
    needed = needed_parts(0.01, 0.975)
    assert f"needs at least {needed} defective calibration parts" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    files = [link.split("#")[0] for link in links if "://" not in link]
    assert files
    assert [file for file in files if not (page.parent / file).exists()] == []


def test_every_page_of_results_is_in_their_index() -> None:
    folder = ROOT / "docs" / "results"
    index = (folder / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()
