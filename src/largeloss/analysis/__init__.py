"""Analyses of finished runs: one question per file. They read run folders, return dataclasses."""
