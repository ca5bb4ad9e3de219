"""Fit the defect head on few labels, or on none."""
