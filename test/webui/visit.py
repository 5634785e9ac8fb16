"""A person's visit to MLflow's page, in steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from browser import Watch
from pages import Review, Traces
from servers import Row, Server, Sides, eventually

# It lacks what the collectors' check wants.
ANSWER = "It always is."


@dataclass
class Visit:
    """A person in front of a browser, and the servers behind it."""

    sides: Sides
    page: Page
    watch: Watch
    experiment: str
    # Where spans are sent to: the collector's receiver.
    otlp: Server
    screenshots: Path | None = None
    # The name of a check whose result arrives with the spans, and of the review queue that its failure leads to.
    check: str = ""
    queue: str = ""
    # How many seconds each step took.
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of a scene; the screenshot shows its end, also where it failed."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.steps[name] = round(time.monotonic() - started, 1)
            if self.screenshots:
                file = f"{len(self.steps):02} {name}.png"
                self.page.screenshot(path=self.screenshots / file.replace(" ", "-").replace("'", ""))
        assert not self.watch.problems, f"{name}: {self.watch.problems}"

    def exchange(self, question: str) -> str:
        """Sends one exchange and waits until MLflow has it."""
        trace = self.otlp.send_exchange(self.experiment, question, ANSWER)
        eventually(30, lambda: self.sides.back.rows(trace))
        return trace

    def traces(self) -> Traces:
        return Traces(self.page, self.sides.front.url, self.experiment)

    def review(self) -> Review:
        return Review(self.page, self.sides.front.url, self.experiment)


def named(rows: list[Row], name: str, **wanted: Any) -> list[Row]:
    """Returns the rows of a name that have these members."""
    return [
        r for r in rows if r["assessment_name"] == name and all(r.get(key) == value for key, value in wanted.items())
    ]


def arrived(visit: Visit, trace: str, name: str) -> None:
    """Waits until the endpoint knows of an assessment that came in elsewhere."""

    def attempt() -> None:
        assert named(visit.sides.front.rows(trace), name), f"{name} has not arrived"

    eventually(30, attempt)
