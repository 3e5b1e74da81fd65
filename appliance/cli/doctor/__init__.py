"""``strop doctor``."""
