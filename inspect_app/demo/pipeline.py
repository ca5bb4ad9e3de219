"""Run everything once: line, pretraining, training, evaluation, bundle, scoring, report."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from deploy.export.run import export_run
from deploy.runtime.inspector import Inspector
from deploy.runtime.verify import VerifyReport, verify_bundle
from deploy.scoring.local import score_folder
from deploy.scoring.run import ScoreSummary
from inspect_app.store.writer import open_store
from span_train.contract.errors import GateMissed
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.demo_data import draw_line, elpv_line
from span_train.evaluate.report import write_report
from span_train.finetune.evaluation import Evaluation, evaluate
from span_train.finetune.run import train
from span_train.pretrain.journal import read_metrics
from span_train.pretrain.run import OnReport, pretrain
from span_train.storage.run_folder import create_run, read_json, write_json

Say = Callable[[str], None]


@dataclass
class DemoResult:
    """What the demo measured.

    Attributes:
        folder: Where everything lies.
        health: What `health.json` of the pretraining holds.
        evaluation: The test split through torch.
        verified: The bundle's examples, run again from the bundle.
        scored: The test folder, scored from the bundle alone.
        timings: Seconds of each stage.
        store: URL of the store, if one was written.
    """

    folder: Path
    health: dict[str, Any]
    evaluation: Evaluation
    verified: VerifyReport
    scored: ScoreSummary
    store: str | None
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def station_command(self) -> str:
        """The one command that opens the station on these results."""
        return f"inspect station --store {self.store}" if self.store else ""

    def as_json(self) -> dict[str, Any]:
        """The demo's numbers."""
        return {
            "metrics": self.evaluation.metrics,
            "claims": [claim.model_dump(mode="json") for claim in self._policy.claims],
            "pretraining": {k: v for k, v in self.health.items() if k != "warnings"},
            "fit": self.evaluation.trained.summary["fit"],
            "counts": self.evaluation.trained.summary["counts"],
            "scoring_images_per_s": self.scored.images_per_s,
            "timings_s": self.timings,
        }

    @property
    def _policy(self) -> Any:
        return self.evaluation.trained.policy


def run_demo(
    out: Path,
    *,
    quick: bool,
    seed: int = 0,
    store: str | None = None,
    overrides: tuple[str, ...] = (),
    say: Say = lambda text: None,
    on_report: OnReport | None = None,
) -> DemoResult:
    """Make a line under `out` and take it all the way.

    Args:
        out: A new folder.
        quick: Drawn parts instead of real solar cells.
        seed: Of pretraining and cross-validation; the images and splits stay the same.
        store: URL of the store; None makes `store.db` in `out`.
        overrides: Settings over the demo's line, like ``pretrain.steps=20``.
        say: Called with a line of text at the start of each stage.
        on_report: Called at each pretraining step.

    Raises:
        InputError: The folder is taken, or the cells' package is missing.
        GateMissed: The bundle judges a test image other than the trained network.
    """
    create_run(out, "demo")
    timings: dict[str, float] = {}
    store = store or f"sqlite:///{out / 'store.db'}"
    with _timed("line", timings):
        say("1/7 line: images, exemplar, layout, labels")
        line = (draw_line if quick else elpv_line)(out / "line")
        seeds = (f"pretrain.seed={seed}", f"train.seed={seed}")
        settings = read_settings(line, (*overrides, *seeds))
    with _timed("pretraining", timings):
        say(f"2/7 pretrain: {settings.pretrain.steps} steps, heads held to the parts (SPAN)")
        health = pretrain(settings, out / "pretrain", on_report=on_report)
    with _timed("training", timings):
        say("3/7 train: defect head on few labels, thresholds on calibration images")
        train(settings, out / "pretrain", out / "train")
    with _timed("evaluation", timings):
        say("4/7 evaluate: the test split")
        evaluation = evaluate(settings, out / "train", out)
    with _timed("export", timings):
        say("5/7 export: bundle, checked against the network")
        export_run(out / "train", out / "bundle")
        verified = verify_bundle(out / "bundle")
    with _timed("scoring", timings):
        say("6/7 score: the test folder, from the bundle alone")
        scored = _score(evaluation, out, store)
    _check_flips(evaluation, out)
    say("7/7 report")
    result = DemoResult(out, health, evaluation, verified, scored, store, timings)
    _write_results(result, settings)
    return result


@contextmanager
def _timed(stage: str, timings: dict[str, float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - started


def _score(evaluation: Evaluation, out: Path, store: str) -> ScoreSummary:
    folder = out / "test"
    folder.mkdir()
    for image in evaluation.images:
        shutil.copyfile(image.path, folder / image.path.name)
    inspector = Inspector.open(out / "bundle")
    inspector.warm_up(16)
    with open_store(store) as writer:
        writer.register_bundle(inspector.bundle)
        outputs = (out / "results.parquet", out / "results.csv")
        return score_folder(
            [folder], inspector, outputs, sinks=[writer.add], sink_name=writer.address.sink_name
        )


def _check_flips(evaluation: Evaluation, out: Path) -> None:
    rows = pq.read_table(out / "results.parquet", columns=["path", "verdict"]).to_pylist()
    by_name = {Path(row["path"]).name: row["verdict"] for row in rows}
    flipped = [
        image.path.name
        for image, verdict in zip(evaluation.images, evaluation.verdicts, strict=True)
        if by_name.get(image.path.name) != verdict.name
    ]
    if flipped:
        raise GateMissed(
            f"{out / 'bundle'}: {len(flipped)} of {len(evaluation.images)} test images get another "
            f"verdict than from the trained network: {', '.join(flipped[:5])}."
        )


def _write_results(result: DemoResult, settings: LineSettings) -> None:
    out, evaluation = result.folder, result.evaluation
    names = evaluation.trained.layout.names
    steps = read_metrics(out / "pretrain")
    every = max(1, len(steps) // 200)
    rows = [
        {
            "step": report.step,
            "loss": report.loss,
            "objective": report.objective_loss,
            "prior": report.prior_loss,
            "adherence": dict(zip(names, report.adherence, strict=True)),
        }
        for report in steps[::every]
    ]
    content = replace(
        evaluation.report,
        pretraining=rows,
        parity=read_json(out / "bundle" / "parity.json"),
        timings={**result.timings, "scoring rate": f"{result.scored.images_per_s:.0f} images/s"},
        facts={**evaluation.report.facts, "seed": str(settings.pretrain.seed)},
        next_command=result.station_command,
    )
    write_report(out / "report.html", content)
    write_json(out / "demo.json", {**result.as_json(), "verify": _plain(asdict(result.verified))})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
