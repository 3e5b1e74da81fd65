"""The models of this host: bodies, speed, fidelity, and what they can do in the time."""
