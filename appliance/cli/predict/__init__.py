"""``strop predict``."""
