"""What explains a verdict: its figures by label, its changed answers, its probabilities."""
