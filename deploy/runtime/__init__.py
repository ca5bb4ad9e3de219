"""Inspect images with a bundle: one shared session, the asked provider, no torch."""
