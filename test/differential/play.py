"""Plays a plan on one server with the unmodified `mlflow` client, and writes down each answer in a form that does not
depend on the server: ids by the slot of what they name, times as facts about them.
"""

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import plan as planned
from behind import Behind, NotSettledError, deliverable
from pools import Failure, Source
from rest import RequestFailedError, Row, Rows, Target, canonical
from transcript import Names, Record, Times, Transcript

# A repeat is not what is tested, and takes minutes; traces are exported before their span is left.
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "GIT_PYTHON_REFRESH": "quiet",
}

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback, IssueReference
from mlflow.entities.trace_location import MlflowExperimentLocation
from mlflow.tracing.assessment import log_issue
from mlflow.tracing.client import TracingClient

UNKNOWN = "a-" + "f" * 32
# Sizes depend on the digits of times; the location on the server's folder.
VOLATILE = {"mlflow.trace.sizeBytes", "mlflow.trace.sizeStats", "mlflow.artifactLocation"}


@dataclass(frozen=True)
class Job:
    """What a player is to play."""

    url: str
    behind: str | None
    seeds: tuple[int, ...]
    calls: int
    now_ms: int
    threads: int


def play(job: Job) -> list[Transcript]:
    """Plays each seed in an experiment of its own, some at the same time."""
    warnings.simplefilter("ignore")
    # What the client warns of is in its answers.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    sys.setrecursionlimit(10_000)
    mlflow.set_tracking_uri(job.url)
    with ThreadPoolExecutor(job.threads) as pool:
        return list(pool.map(lambda seed: Player(job, seed).play(), job.seeds))


class Player:
    """Plays one seed."""

    def __init__(self, job: Job, seed: int) -> None:
        self.job, self.seed = job, seed
        self.target = Target(job.url)
        self.behind = Behind(self.target, Target(job.behind)) if job.behind else None
        self.client = mlflow.MlflowClient()
        self.experiment = self.target.new_experiment(f"differential {seed} {time.time_ns()}")
        self.names = Names()
        self.traces: dict[int, str] = {}
        self.assessments: dict[int, str] = {}
        self.issues: dict[int, str] = {}
        self.times = Times(job.now_ms)
        self.patience = 30.0
        self.transcript = Transcript(seed)

    def play(self) -> Transcript:
        for call in planned.Plan(self.seed, self.job.now_ms).calls(self.job.calls):
            self._record(call)
        self._end()
        return self.transcript

    def _record(self, call: planned.Call) -> None:
        around = self.times.begin()
        try:
            answer = getattr(self, "_" + call.kind)(call)
        except NotSettledError as error:
            answer = {"not settled": str(error)}
        except RequestFailedError as error:
            answer = {"refused": str(error).partition(": ")[2]}
        except Exception as error:  # whatever the client raises is its answer
            answer = self._raised(error)
        self.times.begun = around
        self.transcript.records.append(
            Record(len(self.transcript.records), str(call), canonical(self.names.apply(answer)))
        )

    def _raised(self, error: Exception) -> Row:
        # An HTML page, a connection's address and a token's place are not the API's.
        message = str(error).partition("Response body:")[0].replace(self.job.url, "<server>")
        message = re.sub(r"HTTPConnectionPool\(.*", "…", message, flags=re.DOTALL)
        # Python's sets have an order of their own in each process.
        message = re.sub(r"\{('[^{}]*')\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", message)
        return {"raised": type(error).__name__, "code": getattr(error, "error_code", None), "message": message}

    def _end(self) -> None:
        """Writes down what every trace is in the end."""
        ids = sorted(self.traces.values())
        if self.behind:
            try:
                self.transcript.behind = self._state(self._settle())
            except NotSettledError as error:
                self.transcript.unsettled = self.names.text(str(error))
        rows = self.target.rows(ids)
        self.transcript.state = self._state(rows)
        for trace, found in rows.items():
            for row in found:
                path = f"/api/3.0/mlflow/traces/{trace}/assessments/{row['assessment_id']}"
                if (single := self._read_alone(path)) != row:
                    self.transcript.state[f"{self.names.text(trace)} read alone"] = canonical(
                        self.names.apply([row, single])
                    )

    def _settle(self) -> Rows:
        """Waits for the MLflow behind the endpoint; what has not settled once is not waited for as long again."""
        assert self.behind is not None
        try:
            return self.behind.settle(self.traces.values(), self.patience)
        except NotSettledError:
            self.patience = 2.0
            raise

    def _read_alone(self, path: str) -> Any:
        try:
            return self.target.call("GET", path)["assessment"]
        except RequestFailedError as error:
            return str(error)

    def _state(self, rows: Rows) -> dict[str, str]:
        described = {}
        for trace, found in rows.items():
            plain = []
            for row, held in zip(found, deliverable(found), strict=True):
                times = {key: self.times.literal(row.get(key)) for key in ("create_time", "last_update_time")}
                plain.append(self.names.apply(held) | times)
            described[self.names.text(trace)] = canonical(sorted(plain, key=lambda row: str(row["assessment_id"])))
        return described

    # Traces.

    def _send(self, call: planned.Call) -> Row:
        spans = call.arguments["spans"]
        if call.makes is not None:
            self._made_trace(call.makes, "tr-" + spans[0].trace)
        self.target.send(self.experiment, spans)
        return {"sent": len(spans)}

    def _span(self, call: planned.Call) -> Row:
        assert call.makes is not None
        arguments = call.arguments
        location = MlflowExperimentLocation(self.experiment)
        failed = None
        try:
            with mlflow.start_span(arguments["name"], trace_destination=location) as span:
                self._made_trace(call.makes, span.trace_id)
                span.set_inputs({"question": "what?"})
                if arguments["child"]:
                    with mlflow.start_span("child") as child:
                        child.set_outputs("nothing")
                for inner in call.inside:
                    self._record(inner)
                span.set_outputs("that")
                if arguments["fails"]:
                    raise KeyError("an app's own error")
        except KeyError as error:
            failed = repr(error)
        # Only now do the assessments made inside have ids.
        for row in self.target.rows([self.traces[call.makes]]).get(self.traces[call.makes], []):
            mark = row.get("metadata", {}).get(planned.MARK)
            if mark is not None and int(mark) not in self.assessments:
                self._made_assessment(int(mark), row["assessment_id"])
        return {"failed": failed, "trace": self._trace_of(self.traces[call.makes])}

    def _trace_of(self, trace_id: str) -> Any:
        return self._describe_trace(self.client.get_trace(trace_id))

    def _get_trace(self, call: planned.Call) -> Any:
        return self._trace_of(self._id(call.arguments["trace"]))

    def _get_trace_or_none(self, call: planned.Call) -> Any:
        trace = mlflow.get_trace(self._id(call.arguments["trace"]))
        return trace and self._describe_trace(trace)

    def _search_assessments(self, call: planned.Call) -> Any:
        arguments = dict(call.arguments)
        trace = self.client.get_trace(self._id(arguments.pop("trace")))
        return self._describe_all(trace.search_assessments(**arguments))

    def _search(self, call: planned.Call) -> Any:
        arguments = dict(call.arguments)
        if arguments.pop("settled", False) and self.behind:
            self._settle()
        found = mlflow.search_traces(locations=[self.experiment], return_type="list", **arguments)
        return [self._describe_trace(trace) for trace in found]

    def _delete_traces(self, call: planned.Call) -> Any:
        return self.client.delete_traces(
            self.experiment, trace_ids=[self._id(trace) for trace in call.arguments["traces"]]
        )

    def _set_tag(self, call: planned.Call) -> Any:
        arguments = call.arguments
        return mlflow.set_trace_tag(self._id(arguments["trace"]), arguments["key"], arguments["value"])

    def _delete_tag(self, call: planned.Call) -> Any:
        return mlflow.delete_trace_tag(self._id(call.arguments["trace"]), call.arguments["key"])

    # Assessments.

    def _log_feedback(self, call: planned.Call) -> Any:
        return self._created(call, mlflow.log_feedback(**self._common(call)))

    def _log_expectation(self, call: planned.Call) -> Any:
        return self._created(call, mlflow.log_expectation(**self._common(call)))

    def _log_assessment(self, call: planned.Call) -> Any:
        arguments = self._common(call)
        fields = dict(arguments.pop("fields"))
        trace_id = arguments.pop("trace_id")
        assessment = _entity(arguments.pop("kind"), arguments)
        if "overrides" in fields:
            fields["overrides"] = self._id(fields["overrides"])
        for name, value in fields.items():
            setattr(assessment, name, value)
        return self._created(call, mlflow.log_assessment(trace_id, assessment))

    def _log_issue(self, call: planned.Call) -> Any:
        arguments = self._common(call)
        arguments["issue_id"] = self._id(arguments.pop("issue"))
        return self._created(call, log_issue(**arguments))

    def _create_issue(self, call: planned.Call) -> Any:
        assert call.makes is not None
        issue = TracingClient().store.create_issue(self.experiment, call.arguments["name"], "made by a test")
        self.issues[call.makes] = issue.issue_id
        self.names.add(issue.issue_id, f"<issue {call.makes}>")
        return {"issue": issue.issue_id, "name": issue.name}

    def _update(self, call: planned.Call) -> Any:
        arguments = self._common(call)
        trace_id, assessment_id = arguments.pop("trace_id"), self._id(arguments.pop("assessment"))
        assessment = _entity(arguments.pop("kind"), arguments)
        return self._describe(mlflow.update_assessment(trace_id, assessment_id, assessment))

    def _override(self, call: planned.Call) -> Any:
        arguments = self._common(call)
        arguments["assessment_id"] = self._id(arguments.pop("assessment"))
        return self._created(call, mlflow.override_feedback(**arguments))

    def _delete(self, call: planned.Call) -> Any:
        return mlflow.delete_assessment(self._id(call.arguments["trace"]), self._id(call.arguments["assessment"]))

    def _get(self, call: planned.Call) -> Any:
        found = mlflow.get_assessment(self._id(call.arguments["trace"]), self._id(call.arguments["assessment"]))
        return self._describe(found)

    # What arguments stand for, and what answers look like.

    def _id(self, named: Any) -> str:
        match named:
            case planned.Trace(slot):
                return self.traces.get(slot, "tr-" + "f" * 32)
            case planned.Assessment(slot):
                return self.assessments.get(slot, UNKNOWN)
            case planned.Issue(slot):
                return self.issues.get(slot, "iss-unknown")
        return str(named)

    def _common(self, call: planned.Call) -> dict[str, Any]:
        arguments = dict(call.arguments)
        arguments["trace_id"] = self._id(arguments.pop("trace"))
        if isinstance(source := arguments.get("source"), Source):
            arguments["source"] = AssessmentSource(source.type, source.id)
        if isinstance(failure := arguments.get("error"), Failure):
            arguments["error"] = _error(failure)
        return arguments

    def _made_trace(self, slot: int, trace_id: str) -> None:
        self.traces[slot] = trace_id
        self.names.add(trace_id, f"<trace {slot}>")

    def _made_assessment(self, slot: int, assessment_id: str) -> None:
        self.assessments[slot] = assessment_id
        self.names.add(assessment_id, f"<assessment {slot}>")

    def _created(self, call: planned.Call, assessment: Any) -> Any:
        assert call.makes is not None
        if assessment.assessment_id:
            self._made_assessment(call.makes, assessment.assessment_id)
        return self._describe(assessment)

    def _describe(self, a: Any) -> Row:
        return {
            "type": type(a).__name__, "id": a.assessment_id, "trace": a.trace_id, "name": a.name,
            "source": [a.source.source_type, a.source.source_id], "span": a.span_id, "run": a.run_id,
            "value": a.issue_name if isinstance(a, IssueReference) else a.value, "rationale": a.rationale,
            "error": getattr(a, "feedback", None) and a.feedback.error and a.feedback.error.to_dictionary(),
            "metadata": a.metadata, "overrides": a.overrides, "valid": a.valid,
            "created": self.times.fact((a.assessment_id, "created"), a.create_time_ms),
            "updated": self.times.fact((a.assessment_id, "updated"), a.last_update_time_ms),
        }  # fmt: skip

    def _describe_all(self, assessments: Any) -> list[Row]:
        # MLflow promises no order.
        rows = [self._describe(a) for a in assessments]
        return sorted(rows, key=lambda row: canonical(self.names.apply(row)))

    def _describe_trace(self, trace: Any) -> Row:
        info = trace.info
        return {
            "trace": info.trace_id, "in its experiment": info.experiment_id == self.experiment, "state": str(info.state),
            "tags": {key: value for key, value in info.tags.items() if key not in VOLATILE},
            "metadata": {key: value for key, value in info.trace_metadata.items() if key not in VOLATILE},
            "previews": [info.request_preview, info.response_preview], "request id": info.client_request_id,
            "spans": sorted(canonical([s.name, s.span_type, s.inputs, s.outputs, str(s.status)]) for s in trace.data.spans),
            "assessments": self._describe_all(info.assessments),
        }  # fmt: skip


def _entity(kind: str, arguments: dict[str, Any]) -> Any:
    value = arguments.pop("value")
    rationale = arguments.pop("rationale", None)
    match kind:
        case "feedback":
            if arguments.get("name", "") is None:
                del arguments["name"]
            assessment: Any = Feedback(value=value, **arguments)
        case "expectation":
            arguments.pop("error", None)
            name = "answer" if (given := arguments.pop("name")) is None else given
            assessment = Expectation(name=name, value=value, **arguments)
        case _:
            arguments.pop("error", None)
            assessment = IssueReference(issue_id=arguments.pop("name"), issue_name="An issue's name", **arguments)
    assessment.rationale = rationale
    return assessment


def _error(failure: Failure) -> Any:
    types: dict[str, Callable[[str], Exception]] = {
        "ValueError": ValueError,
        "TimeoutError": TimeoutError,
        "KeyError": KeyError,
    }
    match failure.kind:
        case "text":
            return failure.text
        case "exception":
            return types[failure.code](failure.text or "")
        case "raised":
            try:
                raise types[failure.code](failure.text or "")
            except Exception as error:
                return error
        case "error":
            return AssessmentError(failure.code, failure.text, failure.stack)
    return 42
