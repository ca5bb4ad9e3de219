"""Find images and labels, split them fairly, and turn them into views for training."""
