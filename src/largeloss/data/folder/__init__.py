"""A data folder: labels, splits, and images or features; read and written."""
