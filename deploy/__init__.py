"""Carry a trained line to the place where parts are inspected, without torch."""
