"""What storcli prints when it is not asked for JSON."""

from __future__ import annotations

import json
from typing import Any


def storcli_text(answers: dict[str, str]) -> dict[str, str]:
    """What storcli says when it is not asked for JSON, of some of its answers."""
    return {words.removesuffix(" J"): _as_text(json.loads(text)) for words, text in answers.items()}


def _as_text(document: dict[str, Any]) -> str:
    lines: list[str] = []
    for answer in document["Controllers"]:
        status = dict(answer["Command Status"])
        details = status.pop("Detailed Status", [])
        lines += [f"{key} = {value}" for key, value in status.items()] + ["", ""]
        if details:
            lines += ["Detailed Status :", "===============", "", *_table(details), ""]
        lines += _text_of(answer.get("Response Data", {}))
    return "\n".join(lines) + "\n"


def _text_of(data: Any) -> list[str]:
    lines: list[str] = []
    if isinstance(data, list):
        return [*_table(data), ""] if data else []
    for key, value in data.items():
        if isinstance(value, dict):
            nested = any(isinstance(inner, (dict, list)) for inner in value.values())
            lines += [f"{key} :", "=" * len(key), ""]
            lines += _text_of(value) if nested else [*(f"{k} = {v}" for k, v in value.items()), ""]
        elif isinstance(value, list):
            lines += [f"{key} :", "=" * len(key), "", *(_table(value) if value else []), ""]
        else:
            lines += [f"{key} = {value}", ""]
    return lines


def _table(rows: list[dict[str, Any]]) -> list[str]:
    columns = list(rows[0])
    width = {c: max([len(c), *(len(str(row.get(c, ""))) for row in rows)]) for c in columns}
    dashes = "-" * (sum(width.values()) + len(columns) - 1)
    body = [" ".join(f"{row.get(c, '')!s:{width[c]}}" for c in columns) + " " for row in rows]
    return [dashes, " ".join(f"{c:{width[c]}}" for c in columns), dashes, *body, dashes]
