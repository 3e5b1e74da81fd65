"""Few-shot protocols: episodes sampled from labelled rows."""
