"""The Vision Transformer, the attention row it is inspected by, and the head for defects."""
