import math
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from deploy.scoring.columns import numbers, texts

ROOT = Path(__file__).parents[3]
SCORE = """
import sys
from pathlib import Path
from deploy.runtime.inspector import Inspector
from deploy.scoring.local import score_folder
images, bundle, *outputs = map(Path, sys.argv[1:])
score_folder([images], Inspector.open(bundle, "cpu", threads=1), outputs)
print({"pandas", "pyarrow.dataset"} & set(sys.modules))
"""


@given(st.lists(st.none() | st.floats()))
def test_numbers_become_a_column_and_what_is_not_finite_is_empty(
    values: list[float | None],
) -> None:
    expected = [None if v is None or not math.isfinite(v) else v for v in values]
    column = numbers(values)
    column.validate(full=True)
    assert column.equals(pa.array(expected, pa.float64()))


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_become_a_column(values: list[str | None]) -> None:
    column = texts(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))


def test_scoring_never_loads_pandas(part_folder: Path, bundle_folder: Path, tmp_path: Path) -> None:
    outputs = [str(tmp_path / f"r.{kind}") for kind in ("parquet", "csv", "jsonl")]
    done = subprocess.run(
        [sys.executable, "-c", SCORE, str(part_folder), str(bundle_folder), *outputs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
