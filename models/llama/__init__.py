"""llama.cpp as an engine. Every module here loads native code: import it in a worker child only."""

import os

# Threads that spin while they wait for each other cost a factor of six when anything else runs on
# the machine (133 against 900 tokens/s, 2 cores). Read by libgomp when llama.cpp is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
