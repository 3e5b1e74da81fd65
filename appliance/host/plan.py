"""Before a run: what this host can do in the time, measured on the task itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import ceil
from random import Random
from statistics import fmean

import msgspec

from appliance.data.tasks import Loaded
from appliance.encode.frame import chat_frame
from appliance.encode.renderer import Renderer
from appliance.encode.tokens import PROBE, Tokeniser
from appliance.errors import BudgetError, InputError, StropError
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.lengths import too_long
from appliance.evaluate.workbench import Body, Prices
from appliance.host.bodies import probe
from appliance.host.fidelity import fidelity
from appliance.host.host import Host
from appliance.scoring.replies import decisions, totals
from appliance.search.methods.instructions import SAMPLES
from appliance.search.methods.local import shot_sets
from appliance.search.race import FIRST
from appliance.search.spaces import space_of
from appliance.search.spaces.space import build, choose_point
from appliance.task import GOLD, Case
from appliance.tune import MINUTE, SEARCH
from models.catalog import TWIN, Model, again
from models.engine import (
    Differentiate,
    Generate,
    Generated,
    Gradients,
    Score,
    Scores,
    Tokenise,
    Tokens,
)

LEAST_CANDIDATES = 20
MEASURED_CASES = 8
GRADIENT_CASES = 2
POINTS = 12
ANOTHER_MODEL = 1.0
"""Nats; a file of two bits a weight is a few tenths from what it was made of."""

SAMPLED_TOKENS = 16


class Agreement(msgspec.Struct, frozen=True):
    """Rank correlation of two bodies' label scores, over ``n`` of them, each taken against the mean
    of its case."""

    spearman: float
    n: int


class Plan(msgspec.Struct, frozen=True):
    """Speeds are in tokens a second; ``verdict_minutes`` come after the minutes asked for."""

    candidates: int
    cases_per_candidate: int
    minutes: float
    verdict_minutes: float
    search_body: str
    search_tokens_per_s: float
    serving_body: str
    serving_tokens_per_s: float
    agreement: Agreement
    text: str


class Planner:
    """Times the bodies of a run on the seed prompt and a few tuning cases."""

    def __init__(self, host: Host, model: Model, reasoner: Model, loaded: Loaded) -> None:
        self.host = host
        self.model = model
        self.reasoner = reasoner
        self.loaded = loaded
        self.tokeniser = tokeniser_of(host, model)
        self.renderer = Renderer(loaded.task, loaded.rows, self.tokeniser)
        self.cases = loaded.cases["tuning"][:MEASURED_CASES]

    def bodies(self) -> dict[str, Body]:
        """Every role's body with its prices, in milliseconds a token. There is no ``reasoner``
        where that model has no chat template: it could not be asked anything."""
        self._check_twin()
        search, serving = self.model.search, self.model.serving_body
        bodies = {
            "search": self.host.body(self.model, search, self._prices(search)),
            "serving": self.host.body(self.model, serving, self._prices(serving)),
            "twin": self.host.body(self.model, TWIN, Prices(0.0, gradient=self._gradient())),
        }
        try:
            asked = self._reasoner()
        except InputError as error:
            self.host.note(f"{self.reasoner.name} is not asked for instructions: {error}")
        else:
            bodies["reasoner"] = self.host.body(self.reasoner, self.reasoner.search, asked)
        return bodies

    def agreement(self, one: str, other: str) -> Agreement:
        from appliance.statistics.proportions import rank_agreement

        # Within a case: what labels differ in everywhere, their length above all, says nothing.
        ours, theirs = (
            [score - fmean(case) * (len(case) > 1) for case in self._scored(body) for score in case]
            for body in (one, other)
        )
        return Agreement(round(rank_agreement(ours, theirs).spearman, 4), len(ours))

    def check_lengths(self) -> None:
        """Raises InputError for a case that is too long for the model under the seed prompt."""
        limit = self.tokeniser.description.context
        for split, cases in self.loaded.cases.items():
            for case, length in too_long(self.renderer, self.loaded.seed, cases):
                raise InputError(
                    f"a {split} row is too long for {self.model.name}: with the seed prompt "
                    f"{length} tokens, and it takes {limit}. The row begins "
                    f'"{case.query.text[:60]}"; shorten it or leave it out, or show fewer '
                    "demonstrations"
                )

    def plan(self, bodies: dict[str, Body], minutes: float, *, stretch: bool = False) -> Plan:
        """Raises BudgetError where the minutes pay for fewer than ``LEAST_CANDIDATES``, unless they
        may be stretched to as many as that takes."""
        seed = self.loaded.seed
        block = self.loaded.cases["tuning"][:FIRST]
        cost = self._cost_of_a_candidate(block, bodies["search"].prices)
        least = 1.05 * LEAST_CANDIDATES * cost / SEARCH / MINUTE
        if stretch:
            minutes = max(minutes, ceil(10 * least) / 10)
        candidates = int(SEARCH * minutes * MINUTE / cost)
        if candidates < LEAST_CANDIDATES:
            raise BudgetError(
                f"{minutes:g} minutes pay for {candidates} candidates on this machine, too few to "
                f"search; at least {LEAST_CANDIDATES} need --minutes {1.05 * least + 0.05:.1f}"
            )
        test = self.loaded.cases["test"]
        # Priced on other rows: only the verdict reads those of the test split.
        sample = self.loaded.cases["selection"][: 4 * FIRST]
        each = expected_cost(self.renderer, seed, sample, bodies["serving"].prices) / len(sample)
        verdict = 2 * each * len(test) / MINUTE
        agreement = self.agreement(self.model.search, self.model.serving_body)
        speeds = {role: round(1000 / bodies[role].prices.prefill) for role in ("search", "serving")}
        return Plan(
            candidates=candidates,
            cases_per_candidate=len(block),
            minutes=minutes,
            verdict_minutes=round(verdict, 1),
            search_body=self.model.search,
            search_tokens_per_s=speeds["search"],
            serving_body=self.model.serving_body,
            serving_tokens_per_s=speeds["serving"],
            agreement=agreement,
            text=(
                f"At most {candidates} candidates on {len(block)} cases or more in {minutes:g} "
                f"minutes, then about {verdict:.1f} minutes for the verdict on {len(test)} test "
                f"cases. {self.model.search} searches at {speeds['search']} tokens/s, "
                f"{self.model.serving_body} serves at {speeds['serving']}; their label scores "
                f"agree in rank at {agreement.spearman:.3f} (Spearman, n = {agreement.n})."
            ),
        )

    def _cost_of_a_candidate(self, block: Sequence[Case], prices: Prices) -> float:
        """Mean over some points of the format space: most are shorter than a seed prompt."""
        random = Random(0)
        shots = shot_sets(self.loaded.pool, self.loaded.seed)
        space = space_of(self.loaded.task, self.loaded.seed)
        points = [
            choose_point(lambda _, options: random.choice(list(options)), tuple(shots), space)
            for _ in range(POINTS)
        ]
        prompts = [build(point, shots, space) for point in points]
        return fmean(expected_cost(self.renderer, prompt, block, prices) for prompt in prompts)

    def _check_twin(self) -> None:
        """Raises StropError for a twin that reads text as other tokens than its GGUF, or expects
        others to follow."""
        name = self.model.name
        serving, twin = (
            self.host.worker(self.model, body) for body in (self.model.serving_body, TWIN)
        )
        ours, theirs = (self.host.pool.call(w, Tokenise((PROBE,))) for w in (serving, twin))
        assert isinstance(ours, Tokens) and isinstance(theirs, Tokens)
        if ours.ids != theirs.ids:
            raise StropError(
                f"the twin of {name} reads text as other tokens than its GGUF does, so its "
                "gradients would be those of another prompt; this model cannot be refined"
            )
        away = fidelity(self.host.pool, serving, twin, probe(self.host, serving)).divergence
        if away > ANOTHER_MODEL:
            raise StropError(
                f"the twin of {name} is {away:.2f} nats from its GGUF, so it is another model's; "
                f"{again(name)}"
            )

    def _prices(self, body: str) -> Prices:
        worker = self.host.worker(self.model, body)
        reading = self._prefill(worker)
        if GOLD[self.loaded.task.kind] == "label":
            return Prices(reading)
        # The seed may choose where other formats write. Nothing stops it early, and a token that is
        # written costs as much as one that is read at least.
        cases = self.loaded.cases["tuning"][:FIRST]  # Many at once write several times as fast.
        openings = self.renderer.openings(self.loaded.seed, cases)
        wanted = Generate(prompts=openings, max_tokens=SAMPLED_TOKENS, temperature=0.0)
        return Prices(reading, sample=max(reading, self._sampling(worker, wanted)))

    def _prefill(self, worker: str) -> float:
        """The better of two measurements: what else the machine does only ever adds to one."""
        score = Score(self.renderer.sheet(self.loaded.seed, self.cases).segments)
        prices = []
        for _ in range(2):
            seconds, reply = self.host.timed(worker, score)
            assert isinstance(reply, Scores)
            prices.append(1000 * seconds / reply.decoded)
        return min(prices)

    def _sampling(self, worker: str, wanted: Generate) -> float:
        """Milliseconds of a written token beyond reading its prompt."""
        self.host.timed(worker, wanted)  # takes the memory for it, once
        reading, _ = self.host.timed(worker, msgspec.structs.replace(wanted, max_tokens=1))
        both, reply = self.host.timed(worker, wanted)
        assert isinstance(reply, Generated)
        return 1000 * max(both - reading, 0.0) / max(reply.sampled, 1)

    def _gradient(self) -> float:
        cases, seed, task = self.cases[:GRADIENT_CASES], self.loaded.seed, self.loaded.task
        sheet = self.renderer.sheet(seed, cases, owned=True)
        choices = decisions(task, msgspec.structs.replace(seed, weight=1.0), sheet, cases, 1.0)
        request = Differentiate(sheet.segments, tuple(sheet.layout.owners), choices, 1)
        seconds, reply = self.host.timed(self.host.worker(self.model, TWIN), request)
        assert isinstance(reply, Gradients)
        return 1000 * seconds / reply.decoded

    def _reasoner(self) -> Prices:
        """Prompt and sampled tokens at the speed of short generations, sampled together as an
        operator's are."""
        tokeniser = tokeniser_of(self.host, self.reasoner)
        chat_frame(tokeniser)
        worker = self.host.worker(self.reasoner, self.reasoner.search)
        text = " ".join(label.description for label in self.loaded.task.labels) or "The"
        prompt = tokeniser.encode([text], closed=True)[0][0]
        wanted = Generate(prompts=(prompt,), n=SAMPLES, max_tokens=SAMPLED_TOKENS)
        sampling = self._sampling(worker, wanted)
        reading, _ = self.host.timed(worker, msgspec.structs.replace(wanted, n=1, max_tokens=1))
        return Prices(1000 * reading / len(prompt), sample=sampling)

    def _scored(self, body: str) -> list[list[float]]:
        """Every score of each case."""
        sheet = self.renderer.sheet(self.loaded.seed, self.cases)
        worker = self.host.worker(self.model, body)
        reply = self.host.pool.call(worker, Score(sheet.segments))
        assert isinstance(reply, Scores)
        total = totals(sheet, reply)
        return [[total[answer] for answer in chain(*questions)] for questions in sheet.plain]


def tokeniser_of(host: Host, model: Model) -> Tokeniser:
    worker = host.worker(model, model.search)
    return Tokeniser(host.pool, worker, host.describe(worker))
