"""The inputs of a batch: image files, arrays, features; decoded, cached, loaded."""
