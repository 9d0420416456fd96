"""Dataclasses become tables and pages; nothing is computed here."""
