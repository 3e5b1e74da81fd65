"""``strop models``."""
