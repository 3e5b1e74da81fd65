"""Is it really better? The verdict on rows that the search never saw."""
