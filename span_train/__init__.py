"""Learn what a part looks like from unlabelled images, then tell good from defective."""
