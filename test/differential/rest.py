"""MLflow's REST API as the differential tests speak it where the `mlflow` client is in the way: raw requests, spans
over OTLP, and the assessments of many traces at once. Needs nothing but Python.
"""

import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]

TRACES = "/api/3.0/mlflow/traces"


@dataclass(frozen=True)
class Answer:
    """What a server answered to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RequestFailedError(Exception):
    """A request that the tests themselves stand on was refused."""


@dataclass
class Target:
    """One server: a real MLflow, or the endpoint in front of another. Each thread has a connection of its own."""

    url: str
    timeout: float = 60.0
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port, self.prefix = parts.hostname or "", parts.port or 80, parts.path

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request as it is given; only a connection that the server had closed is opened again."""
        for fresh in (False, True):
            connection = self._connection(fresh)
            try:
                connection.putrequest(method, self.prefix + path, skip_accept_encoding=True)
                for name, value in (headers or {}).items():
                    connection.putheader(name, value)
                if body is not None:
                    connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
                response = connection.getresponse()
                content = response.read()
            except (ConnectionError, http.client.HTTPException):
                if fresh:
                    raise
            else:
                lowered = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, lowered, content)
        raise AssertionError("unreachable")

    def _connection(self, fresh: bool) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None and fresh:
            connection.close()
        if connection is None or fresh:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            self._local.connection = connection
        return connection

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Sends JSON and wants JSON with status 200 back."""
        data = None if body is None else json.dumps(body).encode()
        answer = self.request(method, path, data, {"Content-Type": "application/json"})
        if answer.status != 200:
            raise RequestFailedError(f"{method} {self.url}{path}: {answer.status} {answer.body[:500]!r}")
        return answer.json()

    def new_experiment(self, name: str) -> str:
        return str(self.call("POST", "/api/2.0/mlflow/experiments/create", {"name": name})["experiment_id"])

    def send(self, experiment: str, spans: Iterable["Span"]) -> None:
        """Sends spans over OTLP, JSON encoded."""
        body = {"resourceSpans": [{"scopeSpans": [{"spans": [span.otlp() for span in spans]}]}]}
        headers = {"Content-Type": "application/json", "x-mlflow-experiment-id": experiment}
        answer = self.request("POST", "/v1/traces", json.dumps(body).encode(), headers)
        if answer.status != 200:
            raise RequestFailedError(f"POST {self.url}/v1/traces: {answer.status} {answer.body[:500]!r}")

    def rows(self, trace_ids: Iterable[str]) -> Rows:
        """Returns the assessments of those traces that exist, by trace id."""
        wanted, found = list(trace_ids), {}
        for start in range(0, len(wanted), 50):
            answer = self.call("POST", TRACES + "/batchGetInfos", {"trace_ids": wanted[start : start + 50]})
            for info in answer.get("trace_infos", []):
                found[info["trace_id"]] = info.get("assessments", [])
        return found


@dataclass(frozen=True)
class Span:
    """A span with ids and times that are chosen, so that it is the same on every server."""

    trace: str
    id: str
    name: str
    parent: str = ""
    start_ms: int = 0
    duration_ms: int = 100
    attributes: Mapping[str, str] = field(default_factory=dict)
    failed: bool = False

    def otlp(self) -> dict[str, Any]:
        return {
            "traceId": self.trace,
            "spanId": self.id,
            "parentSpanId": self.parent,
            "name": self.name,
            "kind": 1,
            "startTimeUnixNano": str(self.start_ms * 1_000_000),
            "endTimeUnixNano": str((self.start_ms + self.duration_ms) * 1_000_000),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in self.attributes.items()],
            "status": {"code": 2 if self.failed else 1},
        }


def canonical(value: Any) -> str:
    """Returns JSON in which equal values look equal, and 1, 1.0 and true do not."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, default=repr)
