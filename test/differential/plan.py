"""What a seed does: a sequence of calls, drawn at random, the same wherever it is played.

Traces and assessments are named by slots, numbered in the order in which they are made; the player knows which ids a
server gave them. A call whose making failed leaves its slot empty, and who refers to it refers to an unknown id.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pools import (
    BAD_SOURCES,
    BAD_VALUES,
    FAILURES,
    FEEDBACK_SEARCHES,
    METADATA,
    NAMES,
    ORDERS,
    RATIONALES,
    SEARCHES,
    SOURCES,
    SPAN_IDS,
    TIMES,
    UNKNOWN_ASSESSMENTS,
    UNKNOWN_TRACES,
    VALUES,
)
from rest import Span

# Metadata key that tells assessments made inside a trace in progress, which get their ids only when it ends.
MARK = "made_as"


@dataclass(frozen=True)
class Trace:
    """A trace by its slot."""

    slot: int


@dataclass(frozen=True)
class Assessment:
    """An assessment by its slot."""

    slot: int


@dataclass(frozen=True)
class Issue:
    """An issue by its slot."""

    slot: int


@dataclass(frozen=True)
class Call:
    """One call of the client."""

    kind: str
    arguments: dict[str, Any]
    # The slot of what it makes.
    makes: int | None = None
    # Calls made while the trace of this one is in progress.
    inside: tuple["Call", ...] = ()

    def __str__(self) -> str:
        made = f" -> {self.makes}" if self.makes is not None else ""
        inner = "".join(f"\n        inside: {call}" for call in self.inside)
        return f"{self.kind}({', '.join(f'{k}={_short(v)}' for k, v in self.arguments.items())}){made}{inner}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:150]}… ({len(text)} characters)"


@dataclass
class MadeTrace:
    """What the plan believes of a trace."""

    slot: int
    spans: list[Span] = field(default_factory=list)
    whole: bool = True
    alive: bool = True


@dataclass
class MadeAssessment:
    """What the plan believes of an assessment."""

    slot: int
    trace: int
    kind: str
    alive: bool = True
    overridden: bool = False


class Plan:
    """The calls of one seed."""

    def __init__(self, seed: int, now_ms: int) -> None:
        self.seed = seed
        self.draw = random.Random(seed)
        # All players are given the same time, so that spans are the same everywhere.
        self.now_ms = now_ms
        self.traces: list[MadeTrace] = []
        self.assessments: list[MadeAssessment] = []
        self.issues = 0
        self.spans = 0

    def calls(self, count: int) -> Iterator[Call]:
        """Yields calls, those inside traces in progress counted as well, until there are `count`."""
        made = 0
        for make in (self._send_trace, self._send_trace, self._span_trace, self._create_issue):
            call = make()
            made += 1 + len(call.inside)
            yield call
        weights: dict[Callable[[], Call], int] = {
            self._log_feedback: 22, self._log_expectation: 10, self._log_assessment: 8, self._update: 14,
            self._override: 10, self._delete: 9, self._get: 8, self._log_issue: 3, self._create_issue: 1,
            self._get_trace: 6, self._search: 3, self._search_feedback: 3, self._send_trace: 4, self._send_rest: 2,
            self._span_trace: 4, self._delete_traces: 1, self._tag: 2,
        }  # fmt: skip
        choices = list(weights)
        while made < count:
            call = self.draw.choices(choices, list(weights.values()))[0]()
            made += 1 + len(call.inside)
            yield call

    # Traces.

    def _send_trace(self) -> Call:
        trace = MadeTrace(len(self.traces), whole=self.draw.random() < 0.8)
        self.traces.append(trace)
        hexa = self._hex(f"trace {trace.slot}", 32)
        # Some ended long ago, and may be delivered to in bulk; some just now.
        start = self.now_ms - self.draw.choice([500, 60_000, 3_600_000]) - trace.slot * 7
        root = self._span_id()
        spans = [
            Span(
                hexa,
                root,
                self.draw.choice(["root", "chat"]),
                "",
                start,
                300,
                {"input.value": "question"},
                self.draw.random() < 0.2,
            ),
            Span(hexa, self._span_id(), "child", root, start + 10, 50, {"output.value": "answer"}),
        ]
        trace.spans = spans
        return Call("send", {"spans": spans if trace.whole else spans[1:], "trace": Trace(trace.slot)}, trace.slot)

    def _send_rest(self) -> Call:
        """The root of a trace that had none yet, or another child."""
        sent = [t for t in self.traces if t.spans]
        trace = self.draw.choice([t for t in sent if not t.whole] or sent)
        if trace.whole:
            root = trace.spans[0]
            spans = [Span(root.trace, self._span_id(), "late", root.id, root.start_ms + 20, 400)]
        else:
            trace.whole = True
            spans = trace.spans[:1]
        trace.alive = True
        return Call("send", {"spans": spans, "trace": Trace(trace.slot)})

    def _span_trace(self) -> Call:
        trace = MadeTrace(len(self.traces))
        self.traces.append(trace)
        inside = []
        for _ in range(self.draw.randrange(5)):
            make = self.draw.choice(
                [self._log_feedback, self._log_expectation, self._log_assessment, self._get, self._tag]
            )
            call = make(trace)
            if call.makes is not None and call.arguments.get("trace") == Trace(trace.slot):
                metadata = call.arguments.get("metadata") or {}
                call.arguments["metadata"] = metadata | {MARK: str(call.makes)}
            inside.append(call)
        arguments = {
            "name": self.draw.choice(["root", "advice", "ü 財"]),
            "fails": self.draw.random() < 0.2,
            "child": self.draw.random() < 0.5,
        }
        return Call("span", arguments, trace.slot, tuple(inside))

    def _delete_traces(self) -> Call:
        chosen: list[Any] = []
        for trace in self.draw.sample(self.traces, min(len(self.traces), self.draw.choice([1, 1, 2]))):
            trace.alive = False
            chosen.append(Trace(trace.slot))
            for assessment in self.assessments:
                if assessment.trace == trace.slot:
                    assessment.alive = False
        if self.draw.random() < 0.3:
            chosen.append("tr-" + "0" * 32)
        return Call("delete_traces", {"traces": chosen})

    def _tag(self, trace: MadeTrace | None = None) -> Call:
        kind = self.draw.choice(["set_tag", "set_tag", "delete_tag"])
        arguments: dict[str, Any] = {"trace": self._trace(trace), "key": self.draw.choice(["color", "ü", "color"])}
        if kind == "set_tag":
            arguments["value"] = self.draw.choice(["red", "blue", "", "財"])
        return Call(kind, arguments)

    def _get_trace(self) -> Call:
        kind = self.draw.choice(["get_trace", "get_trace", "get_trace_or_none", "search_assessments"])
        arguments: dict[str, Any] = {"trace": self._trace()}
        if kind == "search_assessments":
            arguments |= {"name": self.draw.choice([None, *NAMES[:5]]), "all": self.draw.random() < 0.5}
            arguments |= {"type": self.draw.choice([None, "feedback", "expectation"])}
        return Call(kind, arguments)

    def _search(self) -> Call:
        return Call("search", self._search_arguments(SEARCHES))

    def _search_feedback(self) -> Call:
        return Call("search", self._search_arguments(FEEDBACK_SEARCHES) | {"settled": True})

    def _search_arguments(self, filters: list[Any]) -> dict[str, Any]:
        return {
            "filter_string": self.draw.choice(filters),
            "max_results": self.draw.choice([None, 1, 3, 100]),
            "order_by": self.draw.choice(ORDERS) if self.draw.random() < 0.5 else None,
            "include_spans": self.draw.random() < 0.3,
        }

    # Assessments.

    def _log_feedback(self, trace: MadeTrace | None = None) -> Call:
        arguments = self._common(trace)
        if self.draw.random() < 0.9:
            arguments["value"] = self._value()
        if self.draw.random() < 0.2:
            arguments["error"] = self.draw.choice(FAILURES)
        if self.draw.random() < 0.1:
            del arguments["name"]
        arguments["rationale"] = self.draw.choice(RATIONALES)
        return self._made("log_feedback", arguments, "feedback")

    def _log_expectation(self, trace: MadeTrace | None = None) -> Call:
        arguments = self._common(trace) | {"value": self._value()}
        return self._made("log_expectation", arguments, "expectation")

    def _log_assessment(self, trace: MadeTrace | None = None) -> Call:
        """The same with fields that the other calls do not take."""
        kind = self.draw.choice(["feedback", "feedback", "expectation", "issue"])
        arguments = self._common(trace) | {"kind": kind, "value": self._value()}
        if kind == "issue":
            arguments |= {"name": "iss-made-up", "value": "An issue's name"}
        fields: dict[str, Any] = {}
        arguments["fields"] = fields
        if self.draw.random() < 0.4:
            fields["create_time_ms"] = self.draw.choice(TIMES)
            fields["last_update_time_ms"] = self.draw.choice(TIMES)
        if self.draw.random() < 0.4:
            fields["rationale"] = self.draw.choice(RATIONALES)
        if kind != "issue" and self.draw.random() < 0.3:
            fields["overrides"] = self._assessment(None)[1]
        if kind != "issue" and self.draw.random() < 0.2:
            fields["valid"] = self.draw.choice([False, None])
        if self.draw.random() < 0.15:
            fields["assessment_id"] = self.draw.choice(
                [
                    "chosen-" + self._hex(f"twice {arguments['trace']}", 8),
                    "a-" + self._hex(f"{len(self.assessments)}", 32),
                    "",
                ]
            )
        return self._made("log_assessment", arguments, kind)

    def _log_issue(self) -> Call:
        issue: Any = (
            Issue(self.draw.randrange(self.issues)) if self.issues and self.draw.random() < 0.8 else "iss-unknown"
        )
        arguments = self._common(None) | {"issue": issue, "rationale": self.draw.choice(RATIONALES)}
        del arguments["name"]
        if self.draw.random() < 0.2:
            arguments["issue_name"] = self.draw.choice(["wrong", "slow answers"])
        if self.draw.random() < 0.2:
            arguments["run_id"] = "0123456789abcdef"
        return self._made("log_issue", arguments, "issue")

    def _create_issue(self) -> Call:
        self.issues += 1
        return Call("create_issue", {"name": self.draw.choice(["slow answers", "ü 財"])}, self.issues - 1)

    def _update(self) -> Call:
        trace, assessment, believed = self._assessment(None)
        kind = (
            believed.kind
            if believed and self.draw.random() < 0.85
            else self.draw.choice(["feedback", "expectation", "issue"])
        )
        arguments: dict[str, Any] = {"trace": trace, "assessment": assessment, "kind": kind, "value": self._value()}
        arguments["name"] = self.draw.choice([None, None, *NAMES])
        if self.draw.random() < 0.5:
            arguments["rationale"] = self.draw.choice(RATIONALES)
        metadata = self.draw.choice(METADATA)
        if metadata is not None and self.draw.random() < 0.9:
            # Here the client takes texts only.
            metadata = {key: str(value) for key, value in metadata.items()}
        arguments["metadata"] = metadata
        if kind == "feedback" and self.draw.random() < 0.15:
            arguments["error"] = self.draw.choice(FAILURES)
        if self.draw.random() < 0.2:
            arguments["source"] = self._source()
        return Call("update", arguments)

    def _override(self) -> Call:
        trace, assessment, believed = self._assessment("feedback")
        if believed:
            believed.overridden = True
        arguments: dict[str, Any] = {"trace": trace, "assessment": assessment, "value": self._value()}
        arguments |= {
            "rationale": self.draw.choice(RATIONALES),
            "source": self._source(),
            "metadata": self.draw.choice(METADATA),
        }
        call = self._made("override", arguments, "feedback")
        self.assessments[-1].alive &= believed is not None and believed.alive and believed.kind == "feedback"
        return call

    def _delete(self) -> Call:
        overridden = [a for a in self.assessments if a.overridden]
        if overridden and self.draw.random() < 0.2:
            believed = self.draw.choice(overridden)
            trace, assessment = Trace(believed.trace), Assessment(believed.slot)
            believed.alive = False
        else:
            trace, assessment, drawn = self._assessment(None)
            if drawn:
                drawn.alive = False
        return Call("delete", {"trace": trace, "assessment": assessment})

    def _get(self, trace: MadeTrace | None = None) -> Call:
        chosen, assessment, _ = self._assessment(None)
        if trace is not None and self.draw.random() < 0.5:
            chosen = Trace(trace.slot)
        return Call("get", {"trace": chosen, "assessment": assessment})

    # What calls are made of.

    def _common(self, trace: MadeTrace | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {"trace": self._trace(trace), "name": self.draw.choice(NAMES)}
        arguments |= {"source": self._source(), "metadata": self.draw.choice(METADATA)}
        spans = [span.id for made in self.traces if arguments["trace"] == Trace(made.slot) for span in made.spans]
        arguments["span_id"] = self.draw.choice([*SPAN_IDS, *spans])
        return arguments

    def _value(self) -> Any:
        return self.draw.choice(BAD_VALUES if self.draw.random() < 0.06 else VALUES)

    def _source(self) -> Any:
        return self.draw.choice(BAD_SOURCES if self.draw.random() < 0.06 else SOURCES)

    def _made(self, kind: str, arguments: dict[str, Any], of: str) -> Call:
        slot, trace = len(self.assessments), arguments["trace"]
        known = trace.slot if isinstance(trace, Trace) else -1
        refused = known < 0 or any(arguments.get("value") is bad for bad in BAD_VALUES)
        refused = (
            refused or arguments.get("source") in BAD_SOURCES or (of == "expectation" and arguments["value"] is None)
        )
        self.assessments.append(MadeAssessment(slot, known, of, alive=not refused))
        return Call(kind, arguments, slot)

    def _trace(self, preferred: MadeTrace | None = None) -> Any:
        if preferred is not None and self.draw.random() < 0.8:
            return Trace(preferred.slot)
        if self.draw.random() < 0.06:
            return self.draw.choice(UNKNOWN_TRACES)
        alive = [t for t in self.traces if t.alive]
        return Trace(self.draw.choice(alive if alive and self.draw.random() < 0.93 else self.traces).slot)

    def _assessment(self, kind: str | None) -> tuple[Any, Any, MadeAssessment | None]:
        """Draws an assessment, mostly one that is there and mostly with its own trace."""
        if not self.assessments or self.draw.random() < 0.07:
            return self._trace(), self.draw.choice(UNKNOWN_ASSESSMENTS), None
        good = [a for a in self.assessments if a.alive and a.trace >= 0 and (kind is None or a.kind == kind)]
        chosen = self.draw.choice(good if good and self.draw.random() < 0.88 else self.assessments)
        own = chosen.trace >= 0 and self.draw.random() < 0.95
        return Trace(chosen.trace) if own else self._trace(), Assessment(chosen.slot), chosen

    def _span_id(self) -> str:
        self.spans += 1
        return self._hex(f"span {self.spans}", 16)

    def _hex(self, what: str, digits: int) -> str:
        """An id that no other seed and no other run has."""
        return hashlib.sha256(f"{self.seed} {self.now_ms} {what}".encode()).hexdigest()[:digits]
