"""``strop prompt`` and ``eval``."""
