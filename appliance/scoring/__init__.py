"""From scores to decisions: evaluation, races and honest statistics."""
