"""The folder that goes to the line: write it whole, read it only when nothing in it has changed."""
