"""How fast scoring is beside its own stages, a plain loop and anomalib, and what memory it takes.

    python benchmarks/score_speed.py --bundle BUNDLE --images FOLDER [--count 1000] [--rounds 5]
        [--many 20000] [--rows 100000] [--provider cpu|cuda] [--scratch DIR]
        [--anomalib-python PYTHON --anomalib-model MODEL] [--out FILE.json] [--write PAGE.md]

Each arm runs in a process of its own and in turns, so that whatever else the machine does meets all
of them alike; medians over rounds. The images are links to those of FOLDER, in turns. Files are
read from the system's memory, not from a cold disk.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from linked_images import link_images
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from deploy.bench.machine import load

HERE = Path(__file__).parent
ARMS = ("score", "decode-only", "session-only", "plain-csv", "plain-pandas")
ANOMALIB = "anomalib"
Found = dict[str, Any]


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        found = measure(asked, Path(folder))
    text = page(found)
    print(text)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def measure(asked: argparse.Namespace, folder: Path) -> Found:
    """Rounds of all arms over `count` images, then memory over many, then rows alone."""
    link_images(asked.images, folder / "some", asked.count)
    arms = [*ARMS, *([ANOMALIB] if asked.anomalib_python else [])]
    rounds: dict[str, list[Found]] = {arm: [] for arm in arms}
    for turn in range(asked.rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            rounds[arm].append(_run(asked, arm, folder / "some", asked.count))
            print(f"round {turn + 1} of {asked.rounds}: {arm}", file=sys.stderr, flush=True)
    found: Found = {
        "where": where_it_ran(),
        "load": load(),
        "provider": asked.provider,
        "count": asked.count,
        "rounds": rounds,
    }
    if asked.many:
        link_images(asked.images, folder / "many", asked.many)
        found["many"] = _run(asked, "score", folder / "many", asked.many)
    if asked.rows:
        found["rows"] = _run(asked, "rows", folder / "some", asked.rows)
    return found


def page(found: Found) -> str:
    """The results as Markdown."""
    rates = {arm: [one["images"] / one["wall_s"] for one in turns] for arm, turns in _turns(found)}
    median = {arm: statistics.median(all_rates) for arm, all_rates in rates.items()}
    slower = min(median["decode-only"], median["session-only"])
    shared = 1 / (1 / median["decode-only"] + 1 / median["session-only"])
    lines = [
        "# Scoring: how fast, beside what, in how much memory",
        "",
        "    python benchmarks/score_speed.py --bundle BUNDLE --images FOLDER "
        f"--count {found['count']} --rounds {len(rates['score'])} --provider {found['provider']}",
        "",
        "```text",
        *in_words(found["where"]),
        f"programs that wanted a processor in the last minute: {found['load']}",
        "```",
        "",
        f"{found['count']} images a round, on {found['provider']}; medians (slowest, fastest).",
        "",
        table(
            ("arm", "images/s", "range", "processor ms an image", "peak MiB", "score is"),
            [_line(arm, turns, rates[arm], median) for arm, turns in _turns(found)],
        ),
        f"- Scoring end to end reaches {median['score'] / slower:.2f} of the slower of its stages.",
        f"- Where both stages share the processors, no more than {shared:.0f} images/s are there "
        f"to be had; scoring reaches {median['score'] / shared:.2f} of that.",
        f"- It is {median['score'] / median['plain-csv']:.1f} times a plain loop that appends with "
        f"csv, and {median['score'] / median['plain-pandas']:.1f} times one that uses pandas.",
        *_memory(found),
    ]
    return "\n".join(lines) + "\n"


def _turns(found: Found) -> list[tuple[str, list[Found]]]:
    return list(found["rounds"].items())


def _line(
    arm: str, turns: list[Found], rates: list[float], median: dict[str, float]
) -> tuple[str, ...]:
    cpu_ms = statistics.median(1e3 * one["cpu_s"] / one["images"] for one in turns)
    peak_mib = statistics.median(one["peak_mib"] for one in turns)
    return (
        arm,
        f"{median[arm]:.1f}",
        f"{min(rates):.1f}–{max(rates):.1f}",
        f"{cpu_ms:.2f}",
        f"{peak_mib:.0f}",
        f"{median['score'] / median[arm]:.2f} x",
    )


def _memory(found: Found) -> list[str]:
    lines = []
    some = statistics.median(one["peak_mib"] for one in found["rounds"]["score"])
    if "many" in found:
        many, peak = found["many"], found["many"]["peak_mib"]
        lines.append(
            f"- Peak memory: {some:.0f} MiB at {found['count']:,} images, "
            f"{peak:.0f} MiB at {many['images']:,} ({peak / some - 1:+.1%})."
        )
    if "rows" in found:
        rows = found["rows"]
        lines.append(
            f"- {rows['images']:,} rows written as Parquet, CSV and JSON lines and counted again "
            f"in {rows['wall_s']:.1f} s, peak {rows['peak_mib']:.0f} MiB."
        )
    return lines


def _run(asked: argparse.Namespace, arm: str, images: Path, count: int) -> Found:
    if arm == ANOMALIB:
        program = [asked.anomalib_python.absolute(), HERE / "anomalib_arm.py"]
        command = [*program, "--images", images, "--model", asked.anomalib_model.resolve()]
    else:
        program = [sys.executable, HERE / "score_arms.py", arm, "--bundle", asked.bundle]
        options = ["--images", images, "--count", count, "--provider", asked.provider]
        command = [*program, *options]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        # anomalib leaves a cache where it is started; this folder goes at the end
        cwd=images.parent if arm == ANOMALIB else None,
    )
    if done.returncode != 0:
        raise SystemExit(f"{arm} ended with code {done.returncode}:\n{done.stderr}")
    result: Found = json.loads(done.stdout.splitlines()[-1])
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20_000, help="for memory; 0: leave out")
    parser.add_argument("--rows", type=int, default=100_000, help="rows alone; 0: leave out")
    parser.add_argument("--provider", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--scratch", type=Path, default=None, help="where links are made")
    parser.add_argument("--anomalib-python", type=Path, default=None)
    parser.add_argument("--anomalib-model", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--write", type=Path, default=None)
    asked = parser.parse_args()
    if (asked.anomalib_python is None) != (asked.anomalib_model is None):
        parser.error("give --anomalib-python and --anomalib-model together")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
