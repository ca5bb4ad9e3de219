"""`inspect doctor` tells what really runs on a machine, and what to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspect_app.cli import machine_checks
from inspect_app.cli.machine_checks import Check, as_json_text, as_lines, check_machine
from inspect_app.cli.main import app
from span_train.contract.errors import DeviceError, GateMissed

RUNNER = CliRunner()


def found(checks: tuple[Check, ...], name: str) -> Check:
    return next(check for check in checks if check.name.startswith(name))


def test_this_machine_runs_a_graph_on_its_cpu(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["doctor", "--folder", str(tmp_path), "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["ready"] is True
    by_name = {check["name"]: check for check in told["checks"]}
    assert by_name["runs on cpu"]["found"] == "yes"
    assert by_name["numpy"]["state"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_exit_code_4(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    checks = check_machine(tmp_path / "file" / "out")
    assert found(checks, "folder").state == "problem"
    with pytest.raises(GateMissed, match="not ready: folder"):
        RUNNER.invoke(app, ["doctor", "--folder", str(tmp_path / "file")], catch_exceptions=False)


def test_a_missing_processor_is_a_fact_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import deploy.runtime.session as session

    def refuse(_graph: bytes, provider: str, **_more: object) -> None:
        raise DeviceError(f"no {provider} here")

    monkeypatch.setattr(session, "open_session", refuse)
    checks = check_machine(tmp_path)
    assert found(checks, "runs on cuda").state == "absent"
    assert found(checks, "runs on cpu") == Check(
        "runs on cpu",
        "problem",
        "no: no cpu here",
        "install again: pip install inspect-span",
    )


def test_missing_packages_are_a_problem_only_where_they_are_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine_checks, "_installed", lambda _: None)
    checks = check_machine(tmp_path)
    assert found(checks, "numpy").state == "problem"
    assert found(checks, "onnxruntime").state == "problem"
    assert found(checks, "torch").state == "absent"


def test_two_onnxruntimes_at_once_are_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine_checks, "_installed", lambda _: "1.0")
    both = found(check_machine(tmp_path), "onnxruntime")
    assert both.state == "problem"
    assert "uninstall both" in both.advice


def test_lines_carry_the_advice_and_json_says_whether_it_is_ready() -> None:
    checks = (Check("a", "ok", "1.0"), Check("b", "problem", "gone", "install b"))
    assert as_lines(checks) == ["ok      a: 1.0", "PROBLEM b: gone", "        -> install b"]
    assert json.loads(as_json_text(checks))["ready"] is False


def test_the_packages_are_those_that_the_project_asks_for() -> None:
    needed, training = machine_checks.required_packages(), machine_checks.required_packages("train")
    assert {"numpy", "opencv-python", "streamlit"} <= set(needed)
    assert {"torch", "pycocotools", "jinja2", "matplotlib"} <= set(training)
    assert not set(needed) & set(training)
    assert not any(name.startswith("onnxruntime") for name in needed)


def test_the_speed_of_the_disk_is_told_and_a_slow_one_advised_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert found(check_machine(tmp_path), "disk").found.endswith(" MB/s")
    monkeypatch.setattr(machine_checks, "_SLOW_MB_S", 1e9)
    assert "choose a local disk" in found(check_machine(tmp_path), "disk").advice
    assert list(tmp_path.iterdir()) == []
