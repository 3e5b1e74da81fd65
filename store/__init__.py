"""One SQLite file of rows and bytes. The package knows neither prompts nor models."""
