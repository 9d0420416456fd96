"""Runs as a library: from settings to data, model and loss; trained, loaded, measured, applied."""
