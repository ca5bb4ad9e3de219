"""Measure how fast a bundle is on this machine, and how much memory it takes."""
