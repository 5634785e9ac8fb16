"""The endpoint and the MLflow behind it, which must come to agree."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from rest import Row, Rows, Target, canonical
from showing import parting


class NotSettledError(AssertionError):
    """The MLflow behind the endpoint did not come to hold what the endpoint answers."""


@dataclass(frozen=True)
class Behind:
    """The endpoint and the MLflow behind it, which must come to agree."""

    front: Target
    back: Target

    def settle(self, trace_ids: Iterable[str], within: float) -> Rows:
        """Waits until both answer the same for these traces, and returns what MLflow holds then."""
        ids = sorted(set(trace_ids))
        deadline = time.monotonic() + within
        pause = 0.05
        while True:
            back = self.back.rows(ids)
            front = self.front.rows(ids)
            lacking = _differences(front, back)
            if not lacking:
                return back
            if time.monotonic() > deadline:
                raise NotSettledError(
                    f"after {within:g} s MLflow still differs from the endpoint:\n" + "\n".join(lacking[:10])
                )
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)


def _differences(front: Rows, back: Rows) -> list[str]:
    lacking = []
    for trace in sorted(front.keys() | back.keys()):
        if trace not in front or trace not in back:
            lacking.append(f"{trace} is known only to {'the endpoint' if trace in front else 'MLflow'}")
            continue
        ours, theirs = (
            {row["assessment_id"]: row for row in deliverable(rows)} for rows in (front[trace], back[trace])
        )
        if canonical(ours) != canonical(theirs):
            lacking.append(f"{trace}, A is the endpoint, B is MLflow:\n{parting(canonical(ours), canonical(theirs))}")
    return lacking


def deliverable(rows: Iterable[Row]) -> list[Row]:
    """Returns what of a trace's rows MLflow can hold as they are given.

    It says itself when a row was last updated, drops an expectation's rationale, which the endpoint keeps, and takes no
    override of what is not there: of one whose original was deleted before it was delivered, it lacks the link. A
    rationale that was emptied is answered as "" by the one and left out by the other.
    """
    rows = list(rows)
    there = {row["assessment_id"] for row in rows}
    held = []
    for row in rows:
        dropped = {"last_update_time"}
        if "expectation" in row or not row.get("rationale"):
            dropped.add("rationale")
        if row.get("overrides") not in there:
            dropped.add("overrides")
        held.append({key: value for key, value in row.items() if key not in dropped})
    return held
