"""Tables and HTML pages from dataclasses. No result is computed here."""
