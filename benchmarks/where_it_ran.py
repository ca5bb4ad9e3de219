"""Say on which machine, and with which versions, a benchmark ran; nothing that names its owner."""

from deploy.bench.machine import in_words, where_it_ran

__all__ = ["in_words", "where_it_ran"]
