"""The real runner over real models, for tests: soon idle, and content with a few candidates."""

from appliance.host import plan
from appliance.run import runner

runner.IDLE_SECONDS = 0.5
plan.LEAST_CANDIDATES = 1

if __name__ == "__main__":
    runner.main()
