"""One loss a file; each knows tensors only."""
