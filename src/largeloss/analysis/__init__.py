"""Analyses of finished runs: one question a file. They read run folders and return dataclasses."""
