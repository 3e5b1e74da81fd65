"""A task of each kind, small enough to be tuned to a verdict in a test.

What is to be written stands in brackets in its text, which the scripted model knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from appliance.data import Imported
from appliance.data.split.demonstrations import shot_pool
from appliance.prompts.loaded import Loaded
from appliance.prompts.seeds import plain_seed
from appliance.task import (
    Case,
    Example,
    Label,
    Split,
    Task,
)

NAMES = ("Ada", "Bo", "Cleo", "Dora", "Emil", "Finn", "Gita", "Hugo", "Ines", "Juri")
PLACES = ("Ostrand", "Vell", "Wick", "Yarrow", "Halden", "Kestrel", "Norvex", "Mirel")
TOPICS = ("trade", "sport", "weather")
VERBS = ("founded", "left", "sold", "joined")
ROWS = 40


def tasks() -> dict[str, Task]:
    verbs = tuple(Label(verb, f"the first {verb} the second") for verb in VERBS)
    none = (*verbs, Label("no relation", "none of these"))
    topics = tuple(Label(topic, f"it is about {topic}") for topic in TOPICS)
    return {
        "relation": Task("firms", "relation", "fixed", verbs),
        "episodes": Task(
            "few", "relation", "episodes", none, none="no relation", metric="micro_f1"
        ),
        "classify": Task("topics", "classify", "fixed", topics),
        "several": Task("tags", "classify", "fixed", topics, several=True, metric="micro_f1"),
        "answer": Task("sums", "answer", "fixed", ()),
        "choice": Task("quiz", "answer", "fixed", (), match="choice"),
        "reading": Task("passages", "reading", "fixed", (), metric="token_f1"),
        "spans": Task(
            "names", "spans", "fixed", (Label("person"), Label("place")), metric="span_f1"
        ),
    }


def rows(name: str) -> list[Example]:
    return [_row(name, number) for number in range(ROWS)]


def cases(name: str) -> list[Case]:
    every, task = rows(name), tasks()[name]
    if name != "episodes":
        return [Case(row, tuple(label.name for label in task.labels)) for row in every]
    return [_episode(every, number) for number in range(len(every) // 2)]


def splits(name: str) -> dict[Split, list[Case]]:
    every = cases(name)
    third = len(every) // 3
    return {
        "tuning": every[: len(every) - 2 * third],
        "selection": every[-2 * third : -third],
        "test": every[-third:],
    }


def loaded(name: str) -> Loaded:
    """As out of a store."""
    task, split = tasks()[name], splits(name)
    shots = shot_pool(task, split["tuning"])
    kept = {row for ids in shots.values() for row in ids}
    split["tuning"] = [case for case in split["tuning"] if case.query.id not in kept]
    seed = plain_seed(task, shots)
    return Loaded(name, "hash", task, seed, {row.id: row for row in rows(name)}, split, shots)


def imported(name: str) -> Imported:
    """As out of a file."""
    return Imported(tasks()[name], rows(name), splits(name))


def _row(name: str, number: int) -> Example:
    random = Random(f"{name} {number}")
    person, place = random.choice(NAMES), random.choice(PLACES)
    other = random.choice([p for p in PLACES if p != place])
    verb, ship = VERBS[number % len(VERBS)], True
    match name:
        case "relation" | "episodes":
            text = f"In {1900 + number} {person} {verb} {place}."
            return Example(text, _at(text, person), _at(text, place), verb, ship)
        case "classify":
            topic = TOPICS[number % 3]
            return Example(
                f"{person} of {place} says: {topic} {number}", label=topic, may_ship=ship
            )
        case "several":
            topics = tuple(t for i, t in enumerate(TOPICS) if number >> i & 1)
            text = f"{person} of {place} says: {' and '.join(topics) or 'nothing'} {number}"
            return Example(text, labels=topics, may_ship=ship)
        case "answer":
            text = f"How many are {number} and 1 ({number + 1})?"
            reasoning = f"It is ({number + 1})."
            return Example(text, may_ship=ship, answers=(str(number + 1),), reasoning=reasoning)
        case "choice":
            text = f"Where does {person} {number} live, if not in {other} ({place})?"
            return Example(text, may_ship=ship, answers=(place,), choices=(other, place))
        case "reading":
            text = f"{person} {number} lives in the town of ({place}) by the sea."
            return Example(
                text, may_ship=ship, question=f"Where does {person} live?", answers=(place,)
            )
        case _:
            text = f"In {1900 + number} ({person}) came to {place}."
            spans = ((*_at(text, person), "person"), (*_at(text, place), "place"))
            return Example(text, may_ship=ship, spans=spans)


def _episode(every: Sequence[Example], number: int) -> Case:
    """Two relations, a row of each, and a query that every third time has neither."""
    query = every[number]
    others = [verb for verb in VERBS if verb != query.label]
    shown = others[:2] if number % 3 == 0 else [query.label, others[0]]
    support = [next(r for r in every[-8:] if r.label == verb) for verb in shown]
    return Case(query, (*shown, "no relation"), tuple(support), part=str(number % 2))


def _at(text: str, word: str) -> tuple[int, int]:
    start = text.index(word)
    return start, start + len(word)
