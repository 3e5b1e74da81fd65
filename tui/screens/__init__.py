"""What fills the terminal: the window itself, and the small ones that open over it."""
