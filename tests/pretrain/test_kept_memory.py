"""Freed memory stays with the training."""

import platform
import subprocess
import sys

import pytest

_SCRIPT = """
import resource
import sys

from span_train.pretrain.kept_memory import keep_freed_memory

import numpy as np


def faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 * 2**20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_a_freed_tensor_is_not_asked_from_the_system_again() -> None:
    def pages_of_the_second(how: str) -> int:
        command = [sys.executable, "-c", _SCRIPT, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    given_back = pages_of_the_second("given back")  # 32 where the system's pages are huge
    assert given_back >= 32
    assert pages_of_the_second("kept") < given_back / 2
