"""Give a bundle new thresholds from new labelled images, without torch and without training."""
