"""Outcomes as JSON: for people's scripts, and between the processes of one triage."""

from __future__ import annotations

import json
import math

from perfdata.catalogue import CATALOGUE
from perfdata.outcome import STATE_WORDS, Detail, Item, Outcome, Said, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def as_document(outcome: Outcome) -> dict[str, Any]:
    """A JSON-ready dict: check, state (word), applies, text, details, values (each with unit and thresholds), items."""
    return {
        "check": outcome.check,
        "state": STATE_WORDS[outcome.state],
        "applies": outcome.applies,
        "text": outcome.text,
        "details": [detail._asdict() for detail in outcome.details],
        "values": [
            {**value._asdict(), "unit": CATALOGUE[value.measure].unit}
            for value in outcome.values
            if math.isfinite(value.value)
        ],
        "items": [
            {
                **item._asdict(),
                "state": STATE_WORDS[item.state],
                "said": [{**said._asdict(), "state": STATE_WORDS[said.state]} for said in item.said],
            }
            for item in outcome.items
        ],
    }


def render(outcomes: list[Outcome]) -> bytes:
    """One JSON list of outcomes, ending in a newline; ASCII only."""
    return json.dumps([as_document(outcome) for outcome in outcomes], indent=1).encode() + b"\n"


def parse_all(text: bytes) -> list[Outcome]:
    """The outcomes that ``render`` wrote. Raises KeyError, ValueError or TypeError for anything else."""
    return [parse(document) for document in json.loads(text)]


def parse(document: dict[str, Any]) -> Outcome:
    """The outcome that ``as_document`` described. Raises KeyError, ValueError or TypeError for anything else."""
    return Outcome(
        document["check"],
        STATE_WORDS.index(document["state"]),
        document["text"],
        tuple(Detail(**detail) for detail in document["details"]),
        tuple(
            Value(**{name: field for name, field in value.items() if name != "unit"}) for value in document["values"]
        ),
        document["applies"],
        tuple(_item(item) for item in document["items"]),
    )


def _item(document: dict[str, Any]) -> Item:
    said = tuple(Said(**{**one, "state": STATE_WORDS.index(one["state"])}) for one in document["said"])
    return Item(**{**document, "state": STATE_WORDS.index(document["state"]), "said": said})
