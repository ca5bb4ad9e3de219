"""The scripts in benchmarks/ import each other as neighbours; tests find them the same way."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
