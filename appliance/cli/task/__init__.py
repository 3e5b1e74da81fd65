"""``strop task``."""
