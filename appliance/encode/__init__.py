"""From text to token requests, with the owner of every token."""
