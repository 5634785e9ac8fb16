"""Does what MLflow's guide on collecting feedback shows, through the unmodified `mlflow` client, and checks each result.

    python3 guide.py --uri http://127.0.0.1:5080 --experiment 0 --openai http://127.0.0.1:8000/v1

What it left is printed as JSON, the assessments of each trace, for a comparison with the MLflow behind the endpoint.
"""

import argparse
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, AssessmentSourceType, Feedback
from mlflow.exceptions import MlflowException

from rest import Target

EXPERT = AssessmentSource(AssessmentSourceType.HUMAN, "maria@bank.example")
CHECKER = AssessmentSource(AssessmentSourceType.CODE, "iban_checker_v3.0_prod")
JUDGE = AssessmentSource(AssessmentSourceType.LLM_JUDGE, "tone-judge-2026-01")


def same(what: str, got: Any, want: Any) -> None:
    """Fails with both where they differ; 1 and 1.0 and True do."""
    if json.dumps(got, sort_keys=True) != json.dumps(want, sort_keys=True):
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def answered_trace(question: str, answer: str) -> str:
    """Leaves the trace of an app that answered, and returns its id."""
    with mlflow.start_span("bank assistant", span_type="CHAIN") as span:
        span.set_inputs({"question": question})
        span.set_outputs({"answer": answer})
    return str(span.trace_id)


# A judge.

VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"politeness": {"type": "number"}, "clarity": {"type": "number"}, "rationale": {"type": "string"}},
    "required": ["politeness", "clarity", "rationale"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Judge:
    """Asks a model behind OpenAI's API for a verdict, and logs it; a failure is logged as one."""

    api: str
    model: str
    name: str = "tone"

    def judge(self, trace_id: str, question: str, answer: str) -> Feedback:
        try:
            verdict = self._verdict(question, answer)
        except (OSError, ValueError, KeyError) as problem:
            error = AssessmentError("EVALUATION_FAILED", f"{type(problem).__name__}: {problem}")
            return mlflow.log_feedback(trace_id=trace_id, name=self.name, error=error, source=JUDGE)
        return mlflow.log_feedback(
            trace_id=trace_id, name=self.name, value=verdict, rationale=verdict["rationale"], source=JUDGE
        )

    def _verdict(self, question: str, answer: str) -> Any:
        prompt = f"A customer asked:\n{question}\n\nThe assistant said:\n{answer}\n\nGrade politeness and clarity between 0 and 1, with a reason."
        body = {
            "model": self.model,
            "temperature": 0,
            "messages": [{"role": "user", "content": prompt}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "verdict", "schema": VERDICT, "strict": True},
            },
        }
        request = urllib.request.Request(
            f"{self.api}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            completion = json.load(response)
        return json.loads(completion["choices"][0]["message"]["content"])


# A rule.


def compliance(answer: str) -> tuple[dict[str, Any], str]:
    """Returns what a bank's rules say about an answer, and why."""
    broken = []
    if not re.search(r"talk to an adviser", answer, re.IGNORECASE):
        broken.append("names no adviser")
    if not 20 <= len(answer) <= 400:
        broken.append(f"is {len(answer)} characters long")
    promises = [word for word in ("certain profit", "cannot lose") if word in answer.lower()]
    if promises:
        broken.append("promises: " + ", ".join(promises))
    details = {
        "adviser_named": "names no adviser" not in broken,
        "promises": promises,
        "length": len(answer),
        "broken": broken,
    }
    return {"overall_score": 1 - len(broken) / 3, "details": details}, "; ".join(broken) or "follows the rules"


# The guide's parts, each on traces of its own.


def all_sources(trace_id: str) -> None:
    """People, code and judges, each with their name on it."""
    logged = {
        source.source_type: mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=source)
        for name, value, source in (
            ("helpful", True, EXPERT),
            ("iban_valid", False, CHECKER),
            ("politeness", 0.8, JUDGE),
        )
    }
    for kind, feedback in logged.items():
        read = mlflow.get_assessment(trace_id, feedback.assessment_id)
        same(f"source of {kind}", [read.source.source_type, read.source.source_id], [kind, feedback.source.source_id])
        same(f"value of {kind}", read.value, feedback.value)
    plain = mlflow.log_feedback(trace_id=trace_id, value="fine")
    same("defaults", [plain.name, plain.source.source_type, plain.source.source_id], ["feedback", "CODE", "default"])
    expected = mlflow.log_expectation(trace_id=trace_id, name="answer", value={"iban": "DE89", "digits": 22})
    same("expectation", [expected.source.source_type, expected.value], ["HUMAN", {"iban": "DE89", "digits": 22}])


def judges(trace_id: str, api: str, question: str, answer: str) -> None:
    """A model that works, one that is down, and one that does not keep to the form."""
    good = Judge(api, "good").judge(trace_id, question, answer)
    same("verdict's parts", sorted(good.value), sorted(VERDICT["properties"]))
    same("verdict's rationale", good.rationale, good.value["rationale"])
    same("verdict's error", good.error, None)
    for model, name in (("standin-500", "tone_of_a_dead_model"), ("standin-garbage", "tone_of_a_babbler")):
        failed = Judge(api, model, name).judge(trace_id, question, answer)
        read = mlflow.get_assessment(trace_id, failed.assessment_id)
        same(f"{model}: value", read.value, None)
        same(
            f"{model}: error", [read.error.error_code, read.error_message], ["EVALUATION_FAILED", failed.error_message]
        )
        assert read.error_message, f"{model}: the error says nothing"
        same(f"{model}: source", read.source.source_id, JUDGE.source_id)


def rule_inside_the_app(experiment: str) -> None:
    """A rule that is checked while the trace is in progress: its result arrives together with the trace."""
    answer = "The fund grows with certain profit, you cannot lose."
    value, rationale = compliance(answer)
    same("score", round(value["overall_score"], 3), 0.333)
    with mlflow.start_span("advice") as span:
        span.set_inputs({"question": "Shall I buy?"})
        span.set_outputs(answer)
        mlflow.log_feedback(trace_id=span.trace_id, name="compliance", value=value, rationale=rationale, source=CHECKER)
    mlflow.flush_trace_async_logging()
    found = mlflow.get_trace(span.trace_id).search_assessments("compliance")
    same("results inside the app", len(found), 1)
    same("its source", found[0].source.source_id, CHECKER.source_id)
    same("its score", round(found[0].value["overall_score"], 3), 0.333)
    same("its details", found[0].value["details"], value["details"] | {"length": float(len(answer))})
    same("its rationale", found[0].rationale, "names no adviser; promises: certain profit, cannot lose")
    same("its trace's experiment", mlflow.get_trace(span.trace_id).info.experiment_id, experiment)

    # And for one that is kept, after the trace.
    good = "That depends on your plans. Please talk to an adviser."
    kept = answered_trace("Shall I buy?", good)
    mlflow.flush_trace_async_logging()
    value, rationale = compliance(good)
    logged = mlflow.log_feedback(trace_id=kept, name="compliance", value=value, rationale=rationale, source=CHECKER)
    same("rationale of what is kept", [logged.value["overall_score"], logged.rationale], [1.0, "follows the rules"])


def manage(trace_id: str) -> None:
    """Get, update and delete."""
    first = mlflow.log_feedback(
        trace_id=trace_id, name="quality", value=0.4, rationale="Too short", source=EXPERT, metadata={"round": "1"}
    )
    read = mlflow.get_assessment(trace_id, first.assessment_id)
    same(
        "read", [read.name, read.value, read.rationale, read.source.source_type], ["quality", 0.4, "Too short", "HUMAN"]
    )

    changed = Feedback(
        name="quality", value=0.7, rationale="On a second look it says all that matters", metadata={"round": "2"}
    )
    mlflow.update_assessment(trace_id, first.assessment_id, changed)
    read = mlflow.get_assessment(trace_id, first.assessment_id)
    same("updated", [read.value, read.rationale, read.metadata], [0.7, changed.rationale, {"round": "2"}])
    same(
        "not updated",
        [read.source.source_id, read.create_time_ms, read.valid],
        [EXPERT.source_id, first.create_time_ms, True],
    )

    mlflow.delete_assessment(trace_id, first.assessment_id)
    refused = None
    try:
        mlflow.get_assessment(trace_id, first.assessment_id)
    except MlflowException as error:
        refused = error.error_code
    same("deleted", refused, "RESOURCE_DOES_NOT_EXIST")
    mlflow.delete_assessment(trace_id, first.assessment_id)


def override(trace_id: str) -> None:
    """A person corrects a judge; the judge's verdict is kept, and valid again when the correction goes."""
    verdict = mlflow.log_feedback(trace_id=trace_id, name="on_topic", value=0.3, rationale="Wanders off", source=JUDGE)
    reason = {"why": "the detour is what was asked", "sure": "very"}
    correction = mlflow.override_feedback(
        trace_id=trace_id,
        assessment_id=verdict.assessment_id,
        value=0.95,
        rationale="It does answer",
        source=EXPERT,
        metadata=reason,
    )
    same(
        "correction",
        [correction.name, correction.overrides, correction.valid],
        ["on_topic", verdict.assessment_id, True],
    )
    old = mlflow.get_assessment(trace_id, verdict.assessment_id)
    same("corrected", [old.valid, old.value, old.rationale], [False, 0.3, "Wanders off"])
    trace = mlflow.get_trace(trace_id)
    same("valid ones", [a.value for a in trace.search_assessments("on_topic")], [0.95])
    same("all of them", sorted(a.value for a in trace.search_assessments("on_topic", all=True)), [0.3, 0.95])

    mlflow.delete_assessment(trace_id, correction.assessment_id)
    same("valid again", mlflow.get_assessment(trace_id, verdict.assessment_id).valid, True)
    # The last word stays, for whoever looks at what is left.
    mlflow.override_feedback(trace_id=trace_id, assessment_id=verdict.assessment_id, value=1, source=EXPERT)


def names_and_metadata(trace_id: str) -> None:
    """Names that say what they mean, and metadata, whose numbers come back as texts."""
    values = {
        "answer_accuracy": 0.97,
        "iban_valid": True,
        "latency_ms": 312,
        "grade": "B+",
        "topics": ["fees", "funds"],
    }
    for name, value in values.items():
        logged = mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=CHECKER)
        same(name, [logged.name, logged.value], [name, 312.0 if value == 312 else value])
    rich: Mapping[str, Any] = {
        "expertise": "payments",
        "seconds_spent": 52,
        "share": 0.5,
        "certain": True,
        "guideline": "v4.1",
    }
    logged = mlflow.log_feedback(trace_id=trace_id, name="quality", value=0.85, source=EXPERT, metadata=dict(rich))
    want = {"expertise": "payments", "seconds_spent": "52", "share": "0.5", "certain": "True", "guideline": "v4.1"}
    same("metadata", logged.metadata, want)
    same("metadata read again", mlflow.get_assessment(trace_id, logged.assessment_id).metadata, want)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", required=True, help="tracking URI: the endpoint's, or an MLflow's")
    parser.add_argument("--openai", required=True, help="base URL of an OpenAI-compatible server")
    parser.add_argument("--experiment", help="id of an experiment; default: a new one")
    options = parser.parse_args()

    mlflow.set_tracking_uri(options.uri)
    name = f"guide {time.time_ns()}"
    experiment = (
        mlflow.set_experiment(experiment_id=options.experiment) if options.experiment else mlflow.set_experiment(name)
    )
    question, answer = "What does a transfer cost?", "Nothing within the country; abroad it is 2 euros."
    traces = [answered_trace(question, answer) for _ in range(5)]
    mlflow.flush_trace_async_logging()
    all_sources(traces[0])
    judges(traces[1], options.openai, question, answer)
    rule_inside_the_app(experiment.experiment_id)
    manage(traces[2])
    override(traces[3])
    names_and_metadata(traces[4])

    left = mlflow.search_traces(locations=[experiment.experiment_id], return_type="list")
    same("traces", len(left), 7)
    print(json.dumps(Target(options.uri).rows(trace.info.trace_id for trace in left)))


if __name__ == "__main__":
    main()
