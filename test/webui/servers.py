"""The two servers behind the page as a program sees them: the endpoint that the page is opened through, and MLflow,
asked directly. Beside what the page shows, both must say the same of each assessment. Needs nothing but Python.
"""

import base64
import http.client
import json
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Row = dict[str, Any]

API = "/api/3.0/mlflow"
# What the page calls whoever uses it.
PAGE_USER = "User"
# The spans of an exchange; checks are about the model's.
ROOT_SPAN, MODEL_SPAN = "answer", "chat gpt-4o-mini"


class RefusedError(AssertionError):
    """A request that the test stands on was refused, or not answered."""


class DisagreementError(AssertionError):
    """The endpoint, MLflow and Redis did not come to say what was done in the page."""


def eventually(within: float, attempt: Callable[[], T]) -> T:
    """Repeats what raises an AssertionError until it does not; the last one is raised at the end."""
    deadline = time.monotonic() + within
    while True:
        try:
            return attempt()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@dataclass(frozen=True)
class Server:
    """One server; user and password are for HTTP's basic authentication."""

    url: str
    user: str = ""
    password: str = ""

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Sends JSON and wants JSON back; an empty answer is None."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        # The certificate is the test's own.
        context = ssl._create_unverified_context() if self.url.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise RefusedError(f"{method} {path}: {refusal.code} {refusal.read()[:500]!r}") from None
        except (OSError, http.client.HTTPException) as failure:
            raise RefusedError(f"{method} {path}: {failure}") from failure
        return json.loads(text) if text else None

    def new_experiment(self, name: str) -> str:
        return str(self.call("POST", "/api/2.0/mlflow/experiments/create", {"name": name})["experiment_id"])

    def send_exchange(self, experiment: str, question: str, answer: str) -> str:
        """Sends a trace with one exchange with a model, over OTLP, and returns its id in MLflow."""
        trace, root, now = secrets.token_hex(16), secrets.token_hex(8), time.time_ns()

        def span(name: str, span_id: str, parent: str, took: int, attributes: dict[str, str]) -> dict[str, Any]:
            return {
                "traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": name, "kind": 1,
                "startTimeUnixNano": str(now - took), "endTimeUnixNano": str(now), "status": {"code": 1},
                "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
            }  # fmt: skip

        def message(role: str, text: str) -> str:
            return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])

        chat = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.input.messages": message("user", question),
            "gen_ai.output.messages": message("assistant", answer),
        }
        # The list shows what the root holds.
        texts = {"mlflow.spanInputs": json.dumps(question), "mlflow.spanOutputs": json.dumps(answer)}
        spans = [
            span(ROOT_SPAN, root, "", 1_000_000_000, texts),
            span(MODEL_SPAN, secrets.token_hex(8), root, 800_000_000, chat),
        ]
        body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
        self.call("POST", "/v1/traces", body, {"x-mlflow-experiment-id": experiment})
        return "tr-" + trace

    def assess(self, trace: str, **assessment: Any) -> str:
        """Creates an assessment as a program would, and returns its id."""
        body = {"assessment": {"trace_id": trace, **assessment}}
        answer = self.call("POST", f"{API}/traces/{trace}/assessments", body)
        return str(answer["assessment"]["assessment_id"])

    def rows(self, trace: str) -> list[Row]:
        """Returns all assessments of a trace."""
        answer = self.call("GET", f"{API}/traces/{trace}")
        rows: list[Row] = answer["trace"]["trace_info"].get("assessments", [])
        return rows


@dataclass(frozen=True)
class Sides:
    """The endpoint and MLflow behind it; the same server twice where a page is tried on MLflow alone."""

    front: Server
    back: Server

    @property
    def alone(self) -> bool:
        return self.front.url == self.back.url

    @property
    def author(self) -> str:
        """Who MLflow must say gave what is given in the page."""
        return self.front.user or PAGE_USER

    def agreed(self, trace: str, done: Callable[[list[Row]], bool], within: float = 30) -> list[Row]:
        """Waits until MLflow, the endpoint and Redis hold the same rows, and what was done is among them. The rows are
        as MLflow holds them."""

        def attempt() -> list[Row]:
            front, back = self.front.rows(trace), self.back.rows(trace)
            if (left := self._spelled(front)) != (right := self._spelled(back)):
                raise DisagreementError(f"{trace}: the endpoint says\n{left}\nand MLflow\n{right}")
            if not self.alone:
                living = [h["assessment"] for h in self.history(trace) if "deleted" not in h["record"]]
                if (kept := self._spelled(living)) != right:
                    raise DisagreementError(f"{trace}: Redis holds\n{kept}\nand MLflow\n{right}")
            if not done(back):
                raise DisagreementError(f"{trace}: what was done in the page is not in\n{right}")
            return back

        return eventually(within, attempt)

    def history(self, trace: str) -> list[dict[str, Any]]:
        """Returns what Redis holds of a trace's assessments: each with its `record` and its `history`."""
        kept: list[dict[str, Any]] = self.front.call("GET", f"/feedback/v1/traces/{trace}/history")["assessments"]
        return kept

    def _spelled(self, rows: list[Row]) -> list[str]:
        """Returns rows without what may differ: times, who asks, and the rationale of an expectation, which MLflow
        drops."""
        texts = []
        for row in rows:
            kept = {key: value for key, value in row.items() if not key.endswith("_time") and value not in ("", {})}
            if "expectation" in kept:
                kept.pop("rationale", None)
            if kept["source"].get("source_id") == PAGE_USER:
                kept["source"] = {**kept["source"], "source_id": self.author}
            texts.append(json.dumps(kept, sort_keys=True))
        return sorted(texts)
