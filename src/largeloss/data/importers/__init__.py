"""Public collections as their owners publish them: one reader a collection."""
