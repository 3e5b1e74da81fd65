"""How many rows a map of hidden states needs: accuracy by rows a label, beside label words.

    python tests/bench/few_rows.py --data DIR --results FILE

``DIR`` holds the folders fewrel, folio and bbh. Of each set up to 200 rows test, and a draw of the
others is fitted to: 1 to 40 rows of each label. Label words are read behind one demonstration a
label with biases, hidden states without any, both under the first format of the portfolio that
reads them. ``auto`` takes the one with the lower penalties on the rows fitted to, each by a fit to
the others, as a run does. A draw's rows are tested on the same test rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import fmean

from fixed_tasks import NAMES, tasks
from reading import reading

from appliance.calibrate.objective import Objective, log_shares
from appliance.data.split.demonstrations import shot_pool
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence
from appliance.search.candidate import Candidate
from appliance.search.portfolio import portfolio
from appliance.statistics.differences import compare
from appliance.task import Case, Example, Task

A_LABEL = (1, 2, 3, 5, 10, 20, 40)
TEST, MOST = 200, 900
PLAIN = Prompt((), "{text}{label}\n")
WAYS = ("words", "hidden")

Said = dict[str, dict[str, Evidence]]
"""By the readout and a row's id, what the model says."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    results = json.loads(given.results.read_text()) if given.results.exists() else {}
    with reading(given.model) as read:
        for task, rows in tasks(given.data, MOST, given.sets):
            pool = shot_pool(task, [Case(row, names(task)) for row in rows])
            prompts = {
                way: next(f for f in portfolio(task, PLAIN) if f.readout == way).prompt(pool)
                for way in WAYS
            }
            kept = {row for ids in pool.values() for row in ids}
            shown = [row for row in rows if row.id in kept]
            judged = [row for row in rows if row.id not in kept]
            said: Said = {
                way: dict(
                    zip(
                        (row.id for row in judged),
                        read(task, judged, prompts[way], shown),
                        strict=True,
                    )
                )
                for way in WAYS
            }
            found = curve(task, judged, prompts, said, given.draws)
            results[f"{task.name}, {given.model}"] = found
            given.results.write_text(json.dumps(results, indent=1) + "\n")
            print(task.name, *map(line, found), sep="\n", flush=True)


def names(task: Task) -> tuple[str, ...]:
    return tuple(label.name for label in task.labels)


def curve(
    task: Task, rows: Sequence[Example], prompts: dict[str, Prompt], said: Said, draws: int
) -> list[dict[str, float]]:
    """For each number of rows a label the mean accuracies over the draws, and the paired difference
    of ``auto`` and label words with its 95 % interval over the draws."""
    test, rest = rows[:TEST], rows[TEST:]
    found = []
    for a_label in A_LABEL:
        trials = [
            trial(task, drawn, test, prompts, said) for drawn in drawn_from(rest, a_label, draws)
        ]
        if not trials:
            break
        gain = compare([t["auto"] for t in trials], [t["words"] for t in trials])
        found.append(
            {
                "rows a label": a_label,
                **{way: round(fmean(t[way] for t in trials), 4) for way in (*WAYS, "auto")},
                "low": round(gain.mean - 1.96 * gain.error, 4),
                "high": round(gain.mean + 1.96 * gain.error, 4),
                "n": len(test),
                "draws": len(trials),
            }
        )
    return found


def drawn_from(rows: Sequence[Example], a_label: int, draws: int) -> list[list[Example]]:
    """Draws of that many rows of each label, in random order; none where a label has fewer."""
    by_label: dict[str, list[Example]] = {}
    for row in rows:
        by_label.setdefault(row.label, []).append(row)
    if min(map(len, by_label.values())) < a_label:
        return []
    found = []
    for seed in range(draws):
        random = Random(seed)
        drawn = [row for own in by_label.values() for row in random.sample(own, a_label)]
        found.append(random.sample(drawn, len(drawn)))
    return found


def trial(
    task: Task,
    drawn: Sequence[Example],
    test: Sequence[Example],
    prompts: dict[str, Prompt],
    said: Said,
) -> dict[str, float]:
    """The accuracy on the test rows by each way, fitted to the rows drawn."""
    objective = Objective("accuracy", log_shares([Case(row, names(task)) for row in drawn]))
    found, penalties = {}, {}
    for way in WAYS:
        candidate = Candidate(prompts[way], "by hand", objective=objective)
        candidate.scored = [said[way][row.id] for row in drawn]
        penalties[way] = sum(candidate.penalties(len(drawn)))
        outcomes = candidate.unseen([said[way][row.id] for row in test])
        found[way] = fmean(outcome.credit(candidate.fit) for outcome in outcomes)
    found["auto"] = found[min(WAYS, key=penalties.__getitem__)]
    return found


def line(found: dict[str, float]) -> str:
    return (
        f"  {found['rows a label']:2.0f} rows a label: words {found['words']:.3f}, hidden "
        f"{found['hidden']:.3f}, auto {found['auto']:.3f}; auto less words "
        f"[{found['low']:+.3f}, {found['high']:+.3f}] (n {found['n']:.0f}, "
        f"{found['draws']:.0f} draws)"
    )


if __name__ == "__main__":
    main()
