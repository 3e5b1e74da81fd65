"""Engines: token ids in, numbers out. Knows neither prompts nor tasks."""
