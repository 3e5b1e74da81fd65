"""``strop verdict``."""
