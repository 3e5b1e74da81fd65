"""The verdict: whether the best prompt is better, on rows that the search never read."""
