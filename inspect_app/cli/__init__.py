"""The `inspect` command: one file a command, registered in `main`."""
