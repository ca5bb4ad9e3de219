"""Let a training keep the memory it frees, for its next step takes as much again."""

import ctypes
import platform

_LARGEST = 2**31 - 1
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell the C library not to give memory back to the system between steps; whether it obeys.

    By default glibc maps every large tensor anew, and the system fills it with zeros page by page:
    on a processor this takes about a fifth of a step of large batches
    (docs/results/pretrain_speed.md). The peak is the same. Only glibc has these settings; on a GPU,
    torch keeps memory by itself.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    maps_again = library.mallopt(_MMAP_THRESHOLD, _LARGEST) == 0
    gives_back = library.mallopt(_TRIM_THRESHOLD, _LARGEST) == 0
    return not (maps_again or gives_back)
