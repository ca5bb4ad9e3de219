"""Folders and files that a run leaves behind, written so that a crash loses nothing."""
