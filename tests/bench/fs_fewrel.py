"""FS-FewRel-style: the seed prompt, the same with a tuned threshold, and tuned prompts.

    strop task import fewrel val_wiki.json --names pid2name.json --protocol fs-fewrel \\
        --name fs-fewrel
    python tests/bench/fs_fewrel.py --results FILE

Precision, recall and F1 without none of the above are those of each of the five test files, shown
as mean and population standard deviation; several yes to one query are wrong. What is in the
results file is not run again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, pstdev

import msgspec
from common import arguments, keep, open_evaluator, tune_with_seeds

from appliance import locations
from appliance.calibrate.calibration import calibrated, fit
from appliance.calibrate.objective import Objective
from appliance.data.tasks import load
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.answers import Prediction, prediction
from store import database

NAME = "fs-fewrel"


def main() -> None:
    parser = arguments(__doc__.splitlines()[0], minutes=10.0)
    parser.set_defaults(seeds=[1])
    given = parser.parse_args()
    db = database.open(locations.store_path())
    results = tune_with_seeds(db, NAME, given)
    loaded = load(db, NAME)
    with open_evaluator(db, loaded, given.model) as evaluator:
        prompts = {"seed prompt": loaded.seed}
        prompts["threshold tuned"] = threshold_tuned(evaluator, loaded)
        for seed, one in results["tuned"].items():
            prompts[f"tuned, seed {seed}"] = msgspec.convert(one["prompt"], Prompt)
        results["files"] = {name: by_file(evaluator, loaded, p) for name, p in prompts.items()}
    keep(given.results, results)
    for name, files in results["files"].items():
        print(row(name, list(files.values())))


def threshold_tuned(evaluator: Evaluator, loaded: Loaded) -> Prompt:
    """The seed prompt with nothing but its calibration fitted, on all tuning cases."""
    outcomes = evaluator.score(loaded.seed, loaded.cases["tuning"], "serving")
    return calibrated(loaded.seed, fit(outcomes, Objective(loaded.task.metric)))


def by_file(evaluator: Evaluator, loaded: Loaded, prompt: Prompt) -> dict[str, list[int]]:
    """True positives, false positives and false negatives of each test file."""
    cases = loaded.cases["test"]
    outcomes = evaluator.score(prompt, cases, "serving")
    files: defaultdict[str, list[Prediction]] = defaultdict(list)
    for case, outcome in zip(cases, outcomes, strict=True):
        files[case.part].append(prediction(loaded.task, prompt, case, outcome))
    return {
        part: [sum(each) for each in zip(*(said.tally for said in several), strict=True)]
        for part, several in sorted(files.items())
    }


def row(name: str, files: Sequence[Sequence[int]]) -> str:
    shown = []
    for pick in (0, 1, 2):
        values = [scores(*tally)[pick] for tally in files]
        shown.append(f"{100 * fmean(values):.1f} ± {100 * pstdev(values):.1f}")
    return f"| {name} | {' | '.join(shown)} |"


def scores(hit: int, wrong: int, missed: int) -> tuple[float, float, float]:
    """Precision, recall and F1; 0 where they are undefined."""
    return (
        hit / max(hit + wrong, 1),
        hit / max(hit + missed, 1),
        2 * hit / max(2 * hit + wrong + missed, 1),
    )


if __name__ == "__main__":
    main()
