"""One SQLite file: rows and bytes. Knows neither prompts nor models."""
