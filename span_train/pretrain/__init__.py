"""Self-supervised pretraining on unlabelled images, with heads held to the part layout."""
