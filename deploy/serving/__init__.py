"""Answer cells that send images over HTTP: batched, bounded, and stored before they are told."""
