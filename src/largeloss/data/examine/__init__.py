"""A data set examined: what it holds, and what is wrong with it."""
