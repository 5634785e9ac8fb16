"""Sends hand-made raw HTTP requests to a real MLflow (--a) and to the endpoint (--b): status, error code, message, what
is answered and what it changed must be the same, or be listed in DIFFERENT with the reason. What is listed must still
be so. With --behind, the MLflow behind the endpoint must come to hold what the endpoint answers.

    python3 raw.py --a http://127.0.0.1:5000 --b http://127.0.0.1:4329 --behind http://127.0.0.1:5001
    python3 raw.py --a … --b … --only 'update: mask'
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from behind import Behind, NotSettledError
from cases import Case, all_cases
from different import DIFFERENT
from rest import TRACES, Row, Span, Target, canonical

FIXTURE_TIME = "2025-01-01T00:00:00Z"
# What depends on the server, not on its API.
VOLATILE = {"mlflow.artifactLocation"}


@dataclass(frozen=True)
class Outcome:
    """What a server answered to a case, and what the case's traces hold afterwards."""

    short: str
    answer: str
    effect: str = ""


class Run:
    """All cases on one server. Ids are chosen, so they are the same on every server."""

    def __init__(self, url: str, cases: list[Case], started: datetime) -> None:
        self.target = Target(url)
        self.cases, self.started = cases, started
        self.experiment = self.target.new_experiment(f"raw {started} {time.time_ns()}")
        self.host = f"{self.target.host}:{self.target.port}"

    def outcomes(self) -> dict[str, Outcome]:
        start = int(self.started.timestamp() * 1000) - 3_600_000
        traces = [trace for case in self.cases for trace in self.traces(case)]
        for at in range(0, len(traces), 200):
            self.target.send(
                self.experiment, [Span(t[3:], t[3:19], "root", start_ms=start) for t in traces[at : at + 200]]
            )
        with ThreadPoolExecutor(8) as pool:
            answered = dict(zip((case.name for case in self.cases), pool.map(self._play, self.cases), strict=True))
        rows = self.target.rows(traces)
        done = {}
        for case in self.cases:
            held = {trace: rows.get(trace) for trace in self.traces(case)}
            effect = canonical(self._plain(held, self.names(case)))
            done[case.name] = Outcome(answered[case.name].short, answered[case.name].answer, effect)
        return done

    def traces(self, case: Case) -> list[str]:
        names = self.names(case)
        return (
            [names["trace"], names["other"]]
            if "elsewhere" in self._used(case) or "other" in self._used(case)
            else [names["trace"]]
        )

    def names(self, case: Case) -> dict[str, str]:
        """What stands for the names between at signs."""

        def made(what: str) -> str:
            return hashlib.sha256(f"{self.started} {case.name} {what}".encode()).hexdigest()[:32]

        ids = {
            what: "a-" + made(what)
            for what in ("feedback", "expectation", "issue", "original", "override", "elsewhere")
        }
        trace = made("trace")
        return ids | {
            "trace": "tr-" + trace, "TRACE": "TR-" + trace.upper(), "hex": trace, "trace_tail": "r-" + trace, "other": "tr-" + made("other"),
            "run": made("run")[:8], "experiment": self.experiment, "host": self.host,
        }  # fmt: skip

    @staticmethod
    def _used(case: Case) -> set[str]:
        text = case.path + (case.body if isinstance(case.body, str) else "")
        used = set(re.findall(r"@(\w+)@", text))
        return used | {"original"} if "override" in used else used

    def _play(self, case: Case) -> Outcome:
        names = self.names(case)
        self._make(self._used(case), names)
        outcome = Outcome("", "")
        for _ in range(case.times):
            outcome = self._send(case, names)
        return outcome

    def _make(self, used: set[str], names: dict[str, str]) -> None:
        """Makes the assessments that a case names."""
        judged = {
            "assessment_name": "quality",
            "source": {"source_type": "LLM_JUDGE", "source_id": "judge-1"},
            "create_time": FIXTURE_TIME,
            "last_update_time": FIXTURE_TIME,
        }
        contents: dict[str, Row] = {
            "feedback": {"feedback": {"value": 0.5}, "rationale": "first", "metadata": {"a": "b"}},
            "expectation": {"expectation": {"value": "expected"}, "metadata": {"a": "b"}},
            "issue": {"issue": {"issue_name": "slow"}, "rationale": "first", "metadata": {"a": "b"}},
            "original": {"feedback": {"value": False}},
            "override": {"feedback": {"value": True}, "overrides": names["original"]},
            "elsewhere": {"feedback": {"value": 1}},
        }
        for what, content in contents.items():
            if what in used:
                trace = names["other" if what == "elsewhere" else "trace"]
                assessment = judged | content | {"assessment_id": names[what]}
                self.target.call("POST", f"{TRACES}/{trace}/assessments", {"assessment": assessment})

    def _send(self, case: Case, names: dict[str, str]) -> Outcome:
        def fill(text: str) -> str:
            return re.sub(r"@(\w+)@", lambda match: names.get(match[1], match[0]), text)

        headers = {"Host": self.host, "Connection": "close"}
        body = fill(case.body).encode() if isinstance(case.body, str) else case.body
        if body is not None:
            headers["Content-Length"] = str(len(body))
        headers |= {name: fill(value) for name, value in case.headers.items()}
        if headers.get("Content-Length") == "":
            del headers["Content-Length"]
        lines = [
            f"{case.method} {fill(case.path)} {case.version}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        wire = "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
        try:
            status, kind, content = self._exchange(case.method, wire)
        except (OSError, http.client.HTTPException) as error:
            return Outcome("closed", type(error).__name__)
        if case.method == "HEAD":
            return Outcome(f"{status} {kind}", "")
        return self._outcome(status, kind, content, names)

    def _exchange(self, method: str, wire: bytes) -> tuple[int, str, bytes]:
        with socket.create_connection((self.target.host, self.target.port), timeout=30) as connection:
            with contextlib.suppress(ConnectionError):  # it may have answered before it had read all
                connection.sendall(wire)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            content = response.read()
            return response.status, (response.getheader("Content-Type") or "nothing").partition(";")[0], content

    def _outcome(self, status: int, kind: str, content: bytes, names: dict[str, str]) -> Outcome:
        try:
            parsed = json.loads(content) if kind == "application/json" else None
        except ValueError:
            return Outcome(f"{status} bad JSON", repr(content[:200]))
        if isinstance(parsed, dict) and "error_code" in parsed:
            message = self._plain(parsed.get("message"), names)
            return Outcome(f"{status} {parsed['error_code']}", canonical(message))
        if status >= 400 or parsed is None:
            return Outcome(f"{status} {kind}", "")
        return Outcome(str(status), canonical(self._plain(parsed, names)))

    def _plain(self, value: Any, names: dict[str, str]) -> Any:
        """Returns what a server says without what is its own: ids by their names, times of this run as now."""
        match value:
            case {"serialization_format": _, "value": str(text)}:
                try:  # a map that went through protobuf has its keys in any order
                    return canonical(json.loads(text))
                except ValueError:
                    return text
            case dict():
                return {self._plain(k, names): self._plain(v, names) for k, v in value.items() if k not in VOLATILE}
            case list():
                items = [self._plain(item, names) for item in value]
                rows = items and all(isinstance(item, dict) and "assessment_id" in item for item in items)
                return sorted(items, key=canonical) if rows else items
            case str():
                return self._plain_text(value, names)
        return value

    def _plain_text(self, text: str, names: dict[str, str]) -> str:
        for name, identifier in names.items():
            if len(identifier) > 6:
                text = text.replace(identifier, f"@{name}@")
        if text == names["experiment"]:
            return "@experiment@"
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
            try:
                passed = datetime.fromisoformat(text) - self.started
            except ValueError:
                return text
            return "now" if -5 < passed.total_seconds() < 600 else text
        return re.sub(r"a-[0-9a-f]{32}", "a-new", text)


def compare(case: Case, a: Outcome, b: Outcome) -> list[str]:
    """Returns what is wrong about a case."""
    told = a.short != b.short or a.answer != b.answer
    changed = a.effect != b.effect
    known = DIFFERENT.get(case.name)
    if known is None:
        if not told and not changed:
            return []
        lines = [f"{case.name}: {case.method} {case.path} {_cut(repr(case.body))}"]
        if told:
            lines += [f"    A: {a.short} {_cut(a.answer)}", f"    B: {b.short} {_cut(b.answer)}"]
        if changed:
            lines += [f"    A then holds: {_cut(a.effect)}", f"    B then holds: {_cut(b.effect)}"]
        return ["\n".join(lines)]
    same = (known.a, known.b, known.effect) == (a.short, b.short, changed) and known.b_says in b.answer
    if not same or not (told or changed):
        return [
            f"{case.name} is listed as different in another way, because: {known.reason}\n"
            f"    listed: A {known.a}, B {known.b}, {'another' if known.effect else 'the same'} effect\n"
            f"    is:     A {a.short}, B {b.short} {_cut(b.answer, 200)}, {'another' if changed else 'the same'} effect"
        ]
    return []


def _cut(text: str, limit: int = 600) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", required=True, help="URL of a real MLflow")
    parser.add_argument("--b", required=True, help="URL of the endpoint")
    parser.add_argument("--behind", help="URL of the MLflow behind the endpoint")
    parser.add_argument("--only", default="", help="only cases whose name begins so")
    parser.add_argument("--verbose", action="store_true", help="print every answer")
    options = parser.parse_args()

    cases = [case for case in all_cases() if case.name.startswith(options.only)]
    started = datetime.now(UTC)
    runs = [Run(url, cases, started) for url in (options.a, options.b)]
    with ThreadPoolExecutor(2) as pool:
        on_a, on_b = pool.map(Run.outcomes, runs)

    if options.verbose:
        for name, outcome in on_a.items():
            print(f"{name}\n    {outcome.short} {_cut(outcome.answer)}\n    {_cut(outcome.effect)}")
    wrong = [text for case in cases for text in compare(case, on_a[case.name], on_b[case.name])]
    wrong += [
        f"{name} is listed as different, but is no case" for name in DIFFERENT if not options.only and name not in on_a
    ]
    if options.behind:
        try:
            settling = [case for case in cases if case.name not in DIFFERENT or not DIFFERENT[case.name].unsettled]
            traces = [trace for case in settling for trace in runs[1].traces(case)]
            Behind(runs[1].target, Target(options.behind)).settle(traces, 60)
        except NotSettledError as error:
            wrong.append(str(error))
    print("\n".join(wrong))
    print(
        f"{len(cases)} requests, {len(wrong)} differences that are not listed, {len(DIFFERENT)} listed; {(datetime.now(UTC) - started).seconds} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
