"""Gathers what the reports of runs and comparisons show; :mod:`largeloss.report` renders it."""
