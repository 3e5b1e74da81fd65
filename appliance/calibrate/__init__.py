"""What is fitted to a prompt's outcomes, at no model call."""
