"""Look at a line's images and labels before any training: what will work, and what will not."""
