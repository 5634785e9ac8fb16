"""Shows where two answers part, rather than both whole."""

import json
from collections.abc import Iterator
from typing import Any

from rest import canonical


def parting(a: str, b: str, limit: int = 6) -> str:
    """Returns the places, at most `limit`, where two JSON texts differ, one a line."""
    try:
        places = list(_parting(json.loads(a), json.loads(b), "answer"))
    except ValueError:
        places = [("", a, b)]
    lines = [f"    {where}\n        A: {_cut(left)}\n        B: {_cut(right)}" for where, left, right in places[:limit]]
    if len(places) > limit:
        lines.append(f"    and {len(places) - limit} more places")
    return "\n".join(lines)


def _parting(a: Any, b: Any, where: str) -> Iterator[tuple[str, str, str]]:
    if canonical(a) == canonical(b):
        return
    if isinstance(a, list) and isinstance(b, list) and (named := _by_id(a, b)):
        a, b = named
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            left, right = a.get(key, "nothing"), b.get(key, "nothing")
            yield from _parting(left, right, f"{where}.{key}")
        return
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _parting(left, right, f"{where}[{index}]")
        return
    yield where, canonical(a), canonical(b)


def _by_id(a: list[Any], b: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Turns lists of what has an id into dictionaries, so that one that is missing does not shift the others."""
    for name in ("id", "assessment_id", "trace"):
        if all(isinstance(item, dict) and isinstance(item.get(name), str) for item in [*a, *b]):
            left, right = ({item[name]: item for item in items} for items in (a, b))
            if list(left) != list(right) or len(left) == len(a):
                return left, right
    return None


def _cut(text: str, limit: int = 400) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
