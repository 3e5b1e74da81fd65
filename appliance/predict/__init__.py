"""A tuned prompt answers the rows of a file."""
