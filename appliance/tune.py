"""The story of a run: search, refine, select.

Deterministic in its arguments and in what the workbench replies: it reads no clock, no random
source of its own and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Protocol

from msgspec.structs import replace

from appliance.calibrate.probabilities import fit_probabilities
from appliance.encode.tokens import Tokeniser
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Workbench
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Readout
from appliance.refine.loop import refine
from appliance.search.alike import Alike
from appliance.search.candidate import Candidate
from appliance.search.drawn import best_drawn
from appliance.search.experience import Experience
from appliance.search.lab import Lab
from appliance.search.likeness import Likenesses
from appliance.search.mapped import Mapped, with_map
from appliance.search.objective import objective_of
from appliance.search.portfolio import Format, likeness_line
from appliance.search.race import Race
from appliance.search.read_alike import SEED, beside, beside_likeness_alone, read_alike
from appliance.search.reasoner import Reasoner
from appliance.search.rungs import Rung
from appliance.search.schedule import MAPPED, ordered, race_depth
from appliance.search.selection import select
from appliance.search.spaces import space_of
from appliance.search.stage import search
from appliance.statistics.clusters import belonging
from appliance.statistics.proportions import Estimate

FINAL_MAP = 0.1
"""The share of the run's budget that the winner's own map may cost: half of the refinement's, which
a prompt that reads hidden states has none of."""

DRAWN = 0.1
"""The share of the run's budget for the formats that are drawn at random to stand beside the
winner."""

LIKENESS = 0.05
"""The share of the run's budget that the rows may cost to which the likeness of episodes is fitted;
it is a part of the selection's."""

MINUTE = 60_000.0
"""Cost units: milliseconds at a run's frozen prices."""

SEARCH, REFINE = 0.6, 0.2
"""The shares of the two stages; the selection has what is left."""


def search_share(roles: Container[str], readouts: Sequence[Readout]) -> float:
    """The share of the search. It has that of the refinement too where there is no twin, unless
    hidden states may be read: what is not refined then pays for the winner's map and for what it is
    shown beside."""
    return SEARCH if "twin" in roles or "hidden" in readouts else SEARCH + REFINE


class Watcher(Protocol):
    """It is told what happens in a run."""

    def stage(self, name: str) -> None: ...
    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None: ...
    def led(self, candidate: Candidate) -> None: ...
    def raced(self, rungs: Sequence[Rung]) -> None: ...
    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None: ...
    def mapped(self, mapped: Mapped, alike: tuple[Alike, ...]) -> None: ...
    def likened(self, alike: tuple[Alike, ...]) -> None: ...
    def fitted(self, candidate: Candidate, prompt: Prompt) -> None: ...


def tune(
    loaded: Loaded,
    evaluator: Evaluator,
    bench: Workbench,
    reasoner: Tokeniser | None,
    watcher: Watcher,
    *,
    seed: int,
    budget: float,
    fits: Callable[[Prompt], bool],
    methods: Sequence[str] = (),
    experience: Sequence[Experience] = (),
    learnt: Sequence[Format] = (),
    candidates: int | None = None,
    readouts: Sequence[Readout] = ("words",),
    likeness: bool = False,
) -> Prompt:
    """The best prompt, or the seed where nothing beat it on the selection split; either with
    probabilities that were fitted there.

    ``budget``, in cost units, covers both stages and the selection; the verdict comes on top. Stage
    2 is left out where the bench has no twin, and where hidden states are read.
    ``fits`` says whether every test row fits a prompt: a prompt that it refuses could be given no
    verdict and is passed over. ``methods`` of stage 1 take the place of the standard schedule.
    ``learnt`` are formats that earlier runs found; they are tried first. With ``likeness`` a
    label's score may have that of the query to the label's support.
    Where ``candidates`` are given, stage 1 ends after as many at the latest, and stage 2 after its
    share of as many.
    """
    stage, begun = "search", bench.spent
    watcher.stage(stage)
    race = Race(
        evaluator,
        ordered(loaded.cases["tuning"], loaded.task, seed),
        objective_of(loaded),
        lambda candidate, outcome: watcher.candidate(stage, candidate, outcome),
        watcher.led,
    ).start(loaded.seed)
    depth = race_depth(race.seed.cost / len(race.seed.scored), budget)
    lab = Lab(
        race,
        space_of(loaded.task, loaded.seed, loaded.lettered),
        loaded.demonstrations,
        seed,
        Reasoner(bench, reasoner) if reasoner else None,
        experience,
        learnt,
        readouts,
    )
    share = search_share(bench.bodies, readouts) * budget
    extra: dict[Readout, float] = {}
    if "twin" not in bench.bodies:
        extra["words"] = (SEARCH + REFINE) * budget - share
    # The winner's map then needs hardly any states but those of a race.
    is_read = bench.one_body and len(race.cases) <= MAPPED
    if is_read:
        extra["hidden"] = FINAL_MAP * budget
    finalists = search(lab, race, bench, share, depth, methods, candidates, extra)
    watcher.raced(race.rungs)
    found = [each for each in (*finalists, race.leader) if each.prompt.readout in readouts]

    if "twin" in bench.bodies and found and not race.leader.fits_map:
        stage = "refine"
        watcher.stage(stage)
        tokeniser = evaluator.renderer.tokeniser
        edits = None if candidates is None else round(candidates * REFINE / SEARCH)
        found.append(refine(race, bench, tokeniser, seed, REFINE * budget, depth, edits))

    alike: dict[str, Candidate] = {}
    if race.leader.fits_map and not bench.finishing:
        # Maps of different numbers of rows are not compared.
        found = [each for each in found if race.deepen(each)]
        alike = read_alike(race, loaded.seed)
        start = bench.spent

        def going(part: float) -> bool:
            return not bench.finishing and bench.spent < start + part * DRAWN * budget

        alike |= best_drawn(race, loaded, going)
    watcher.stage("selection")
    alone = None
    if likeness and (line := likeness_line(loaded.task.kind)):
        most = max(len(each.scored) for each in (race.copy, *found))
        alone = Likenesses(evaluator, race.cases, line, LIKENESS * budget, seen=most)
        found = [alone.candidate(each, race.cases) for each in dict.fromkeys(found)]
        alike = {SEED: alone.candidate(race.copy, race.cases)}
    # The seed's own map or likeness was fitted to selection rows, so its copy, which is fitted to
    # tuning rows, stands for it.
    brings = loaded.seed.likeness or (loaded.seed.map and race.deepen(race.copy))
    first = race.copy if brings else race.seed
    entrants = [first, *(each for each in (*found, *alike.values()) if fits(each.prompt))]
    cases = loaded.cases["selection"]
    clusters = belonging(cases, loaded.task)[1]
    kept = FINAL_MAP * budget if race.leader.fits_map and not is_read else 0.0
    left = budget - kept - (bench.spent - begun)
    chosen = select(evaluator, cases, entrants, left, watcher.selected, alone)
    best, evidence = chosen.best, chosen.evidence
    if best.fits_map:
        mapped = with_map(evaluator, loaded, best, race.cases, cases, evidence, FINAL_MAP * budget)
        watcher.mapped(mapped, beside(best, alike, chosen.outcomes, clusters))
        # The map has its threshold, and its cases come in the order of the race.
        prompt = fit_probabilities(
            mapped.prompt,
            mapped.outcomes,
            loaded.task.metric,
            fixed=True,
            positive_share=race.objective.positive_share,
        )
    else:
        outcomes, prompt = best.unseen(evidence), best.final
        if alone and not best.fixed and best.fit.likeness_weight:
            prompt = replace(prompt, likeness=alone.fitted(best.fit.likeness_weight))
            others = beside(best, alike, chosen.outcomes, clusters)
            watcher.likened((*others, beside_likeness_alone(best, outcomes, clusters)))
        prompt = fit_probabilities(prompt, outcomes, loaded.task.metric, fixed=best.fixed)
    watcher.fitted(best, prompt)
    return prompt
