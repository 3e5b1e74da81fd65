"""llama.cpp as an engine. Every module here loads native code: import it in a worker child only."""

import os

# How long a thread spins before it sleeps; threads wait for each other after every operation.
# Sleeping at once costs a fifth of the reading speed and two thirds of the speed of writing one
# answer; spinning for long costs a factor of two to ten where anything else runs on the machine
# (docs/design.md). libgomp reads the variable when llama.cpp is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
