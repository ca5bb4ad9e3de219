"""Measure what was learnt, with intervals."""
