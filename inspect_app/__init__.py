"""What people use: the `inspect` command, the store of inspections and the operator's station."""
