"""Grids of runs: planned, run, resumed; results as data."""
