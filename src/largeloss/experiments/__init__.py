"""Grids of runs, their results as data, and published tables to compare with."""
