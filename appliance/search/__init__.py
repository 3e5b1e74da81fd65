"""Stage 1: candidates by reasoning and by format, raced on the tuning split."""
