"""``strop tune``, ``demo``, ``runs`` and ``replay``."""
