"""The panels of the window; each is given what to show and reads nothing itself."""
