"""IMCL, the one method of more than one file."""
