"""Turn a trained run into a bundle, and prove that the graph answers like the network."""
