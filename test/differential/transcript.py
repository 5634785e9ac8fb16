"""What is written down of a seed on one server, in a form that does not depend on the server."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

# The clocks that stamp times are one machine's, cut to milliseconds.
SLACK_MS = 2


@dataclass(frozen=True)
class Record:
    """One call and its answer."""

    number: int
    call: str
    answer: str


@dataclass
class Transcript:
    """All that a seed showed on one server."""

    seed: int
    records: list[Record] = field(default_factory=list)
    # What the server holds at the end, by the slot of the trace.
    state: dict[str, str] = field(default_factory=dict)
    # The same of the MLflow behind the endpoint.
    behind: dict[str, str] | None = None
    # Why that does not come to what the endpoint answers.
    unsettled: str = ""


class Names:
    """The ids that a server gave, and what they are called in answers."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, identifier: str, name: str) -> None:
        self._known[identifier] = name
        self._pattern = None

    def text(self, text: str) -> str:
        if not self._known:
            return text
        if self._pattern is None:
            longest = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, longest)) + r")(?![\w-])")
        return self._pattern.sub(lambda match: self._known[match[1]], text)

    def apply(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(k) if isinstance(k, str) else k: self.apply(v) for k, v in value.items()}
            case list() | tuple():
                return [self.apply(item) for item in value]
        return value


class Times:
    """Turns times into facts: chosen ones stay as they are, others were seen before or came in this call."""

    def __init__(self, now_ms: int) -> None:
        self._earliest = now_ms - 600_000
        self._latest = now_ms + 3_600_000
        self._seen: dict[Any, int] = {}
        self.begun = 0

    def begin(self) -> int:
        """Begins a call, and returns when the call around it began."""
        around, self.begun = self.begun, _now_ms()
        return around

    def fact(self, key: Any, time_ms: int | None) -> Any:
        if time_ms is None or not self._earliest < time_ms < self._latest:
            return time_ms
        before, self._seen[key] = self._seen.get(key), time_ms
        if key[0] is not None and before == time_ms:
            return "as before"
        if self.begun - SLACK_MS <= time_ms <= _now_ms() + SLACK_MS:
            return "during the call"
        return "first seen" if before is None else "earlier" if time_ms < before else "later"

    def literal(self, stamp: str | None) -> str | None:
        """Keeps a stamp of the API where it was chosen."""
        chosen = stamp is None or any(stamp.startswith(start) for start in ("2023-11-14T22:13:20", "1970-", "2100-"))
        return stamp if chosen else "set"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
