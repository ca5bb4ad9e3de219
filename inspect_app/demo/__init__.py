"""The whole way of a line on ready-made images, to see the product work before using it."""
