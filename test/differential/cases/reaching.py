"""Requests that read, that call traces, or that are odd in method, path or on the wire."""

import json
from collections.abc import Iterator

from .case import CREATE, ITEM, JSON, STAMP, Case, T, create, feedback, item, update, without


def reaching() -> Iterator[Case]:
    """Yields what is left."""
    yield from _gets()
    yield from _paths()
    yield from _traces()
    yield from _wire()


def _gets() -> Iterator[Case]:
    for name in ("feedback", "expectation", "issue", "original", "override", "elsewhere"):
        yield Case(f"get: {name}", "GET", item(name), None, {})
    yield Case("get: with ids in the query", "GET", ITEM + "?trace_id=@trace@&assessment_id=@feedback@", None, {})
    yield Case(
        "get: with other ids in the query", "GET", ITEM + "?trace_id=tr-x&assessment_id=a-x&x=%00&trace_id=b", None, {}
    )
    yield Case("get: with a body", "GET", ITEM, "{")
    yield Case("get: unknown", "GET", T + "/@trace@/assessments/a-unknown", None, {})
    yield Case(
        "get: of an unknown trace", "GET", T + "/tr-00000000000000000000000000000009/assessments/a-unknown", None, {}
    )
    yield Case("get: of what is no trace id", "GET", T + "/nonsense/assessments/a-unknown", None, {})
    yield Case("get: upper-case trace id", "GET", T + "/@TRACE@/assessments/@feedback@", None, {})
    yield Case("get: trace id without its prefix", "GET", T + "/@hex@/assessments/@feedback@", None, {})
    for method in ("HEAD", "OPTIONS", "PUT", "POST", "TRACE", "FOO", "get", "patch"):
        yield Case(
            f"method: {method} of an assessment",
            method,
            ITEM,
            '{"assessment": {"rationale": "x"}, "update_mask": "rationale"}' if method != "HEAD" else None,
        )
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
        yield Case(f"method: {method} of all assessments", method, CREATE, None)
    yield Case("method: overridden by a header", "POST", ITEM, None, JSON | {"X-HTTP-Method-Override": "DELETE"})


def _paths() -> Iterator[Case]:
    tail = "/@trace@/assessments/@feedback@"
    for name, path in {
        "trailing slash": T + tail + "/", "double slash": T + "/@trace@//assessments/@feedback@", "leading double slash": "/" + T + tail,
        "encoded slash": T + "/@trace@%2Fassessments/@feedback@", "encoded slash in the id": T + "/@trace@/assessments/@feedback@%2F",
        "encoded letters": T + "/@trace@/%61ssessments/@feedback@", "encoded id": T + "/%74@trace_tail@/assessments/@feedback@",
        "space": T + "/@trace@/assessments/a%20b", "unicode": T + "/@trace@/assessments/%C3%BC", "bad unicode": T + "/@trace@/assessments/%FF",
        "NUL": T + "/@trace@/assessments/%00", "bad escape": T + "/@trace@/assessments/%zz", "dots": T + "/@trace@/../@trace@/assessments/@feedback@",
        "encoded dots": T + "/@trace@/%2e%2e/@trace@/assessments/@feedback@", "dot": T + "/@trace@/./assessments/@feedback@",
        "dots for an id": T + "/@trace@/assessments/..", "parameters": T + "/@trace@/assessments/@feedback@;x=1", "empty query": T + tail + "?",
        "plus": T + "/@trace@/assessments/a+b", "backslash": T + "/@trace@/assessments/a%5Cb", "long id": T + "/@trace@/assessments/" + "a" * 3000,
        "empty trace": T + "//assessments/@feedback@", "empty assessment": T + "/@trace@/assessments/", "more behind": T + tail + "/more",
        "upper case": "/API/3.0/MLFLOW/TRACES" + tail, "upper-case noun": T + "/@trace@/Assessments/@feedback@",
        "ajax": "/ajax-api/3.0/mlflow/traces" + tail, "api 2.0": "/api/2.0/mlflow/traces" + tail, "ajax 2.0": "/ajax-api/2.0/mlflow/traces" + tail,
        "api 4.0": "/api/4.0/mlflow/traces" + tail, "api 4.0 with a location": "/api/4.0/mlflow/traces/0" + tail, "no version": "/api/mlflow/traces" + tail,
        "preview": "/api/2.0/preview/mlflow/traces" + tail, "v2 requests": "/api/2.0/mlflow/requests" + tail, "static prefix": "/mlflow" + T + tail,
        "nothing": "/nothing", "question mark in the id": T + "/@trace@/assessments/a%3Fb", "hash in the id": T + "/@trace@/assessments/a%23b",
    }.items():  # fmt: skip
        yield Case(f"path: {name}", "GET", path, None, {})
    for name, path in {
        "trailing slash": CREATE + "/", "ajax": "/ajax-api/3.0/mlflow/traces/@trace@/assessments", "api 2.0": "/api/2.0/mlflow/traces/@trace@/assessments",
        "api 4.0": "/api/4.0/mlflow/traces/@trace@/assessments", "empty trace": T + "//assessments", "query": CREATE + "?assessment=x",
        "unknown trace": T + "/tr-00000000000000000000000000000009/assessments", "no trace id": T + "/nonsense/assessments", "upper case": T + "/@TRACE@/assessments",
        "without prefix": T + "/@hex@/assessments", "encoded": T + "/%74@trace_tail@/assessments", "unicode": T + "/tr-%C3%BC/assessments",
        "encoded slash": T + "/tr-a%2Fb/assessments", "longer": T + "/@trace@0/assessments", "spaces": T + "/@trace@%20/assessments",
    }.items():  # fmt: skip
        yield create(f"path {name}", feedback(), path=path)
    yield update("path ajax", "feedback,rationale", path="/ajax-api/3.0/mlflow/traces" + tail)
    yield update("path trailing slash", "rationale", path=ITEM + "/")
    yield Case("delete: path ajax", "DELETE", "/ajax-api/3.0/mlflow/traces" + tail, None, {})
    yield Case("delete: path trailing slash", "DELETE", ITEM + "/", None, {})


def _traces() -> Iterator[Case]:
    """Calls about traces, over which Redis' state is laid, or that carry assessments."""
    yield Case("trace: get", "GET", T + "/@trace@?x=@feedback@", None, {})
    yield Case("trace: get unknown", "GET", T + "/tr-00000000000000000000000000000009", None, {})
    yield Case("trace: get whole", "GET", T + "/get?trace_id=@trace@&x=@original@", None, {})
    yield Case("trace: get whole without an id", "GET", T + "/get", None, {})
    yield Case("trace: get many", "GET", T + "/batchGet?trace_ids=@trace@&trace_ids=@other@&x=@elsewhere@", None, {})
    yield Case(
        "trace: infos",
        "POST",
        T + "/batchGetInfos",
        '{"trace_ids": ["@trace@", "@other@", "tr-unknown"], "x": "@elsewhere@"}',
    )
    yield Case("trace: infos of none", "POST", T + "/batchGetInfos", "{}")
    yield Case("trace: infos of wrong ids", "POST", T + "/batchGetInfos", '{"trace_ids": [5]}')
    yield Case("trace: infos of bad JSON", "POST", T + "/batchGetInfos", "{")
    yield Case("trace: search too many", "POST", T + "/search", '{"max_results": 100000}')
    yield Case("trace: search nowhere", "POST", T + "/search", "{}")
    yield Case("trace: search bad JSON", "POST", T + "/search", "{")
    for name, rows in {
        "one": [feedback(assessment_id="start-@run@-1", create_time=STAMP)],
        "two kinds": [feedback(assessment_id="start-@run@-2"), {"assessment_name": "e", "expectation": {"value": [1]}, "source": {"source_type": "HUMAN"}}],
        "without a source": [without("source")], "without a value": [without("feedback")], "number in metadata": [feedback(metadata={"a": 1})],
        "overriding": [feedback(overrides="@feedback@")], "invalid": [feedback(valid=False)], "one that is there": [feedback(assessment_id="@feedback@")],
        "one of another trace": [feedback(assessment_id="@elsewhere@")], "of another trace id": [feedback(trace_id="@other@", assessment_id="start-@run@-3")],
        "the same id twice": [feedback(assessment_id="start-@run@-4"), feedback(assessment_id="start-@run@-4", rationale="second")], "null": [None], "no list": 5,
    }.items():  # fmt: skip
        info = {
            "trace_id": "@trace@",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "@experiment@"}},
            "request_time": STAMP,
            "state": "OK",
            "execution_duration": "1s",
            "assessments": rows,
        }
        yield Case(f"start: assessments {name}", "POST", T, json.dumps({"trace": {"trace_info": info}}))


def _wire() -> Iterator[Case]:
    """What is odd about the request itself."""
    body = json.dumps({"assessment": feedback()})
    chunked = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode()
    yield Case("wire: HTTP/1.0", "POST", CREATE, body.encode(), version="HTTP/1.0")
    yield Case("wire: chunked", "POST", CREATE, chunked, JSON | {"Transfer-Encoding": "chunked", "Content-Length": ""})
    yield Case("wire: expects 100", "POST", CREATE, body.encode(), JSON | {"Expect": "100-continue"})
    yield Case("wire: accepts only text", "GET", ITEM, None, {"Accept": "text/plain"})
    yield Case("wire: accepts gzip", "GET", ITEM, None, {"Accept-Encoding": "gzip"})
    yield Case("wire: credentials that nobody asks for", "GET", ITEM, None, {"Authorization": "Basic dTpw"})
    yield Case("wire: foreign host", "GET", ITEM, None, {"Host": "evil.example"})
    yield Case("wire: foreign host on create", "POST", CREATE, body.encode(), JSON | {"Host": "evil.example"})
    yield Case("wire: foreign origin", "POST", CREATE, body.encode(), JSON | {"Origin": "http://evil.example"})
    yield Case("wire: foreign origin on get", "GET", ITEM, None, {"Origin": "http://evil.example"})
    yield Case("wire: own origin", "POST", CREATE, body.encode(), JSON | {"Origin": "http://@host@"})
    yield Case(
        "wire: local origin on another port", "POST", CREATE, body.encode(), JSON | {"Origin": "http://localhost:1"}
    )
    yield Case("wire: no origin", "POST", CREATE, body.encode(), JSON | {"Origin": "null"})
    yield Case(
        "wire: preflight",
        "OPTIONS",
        CREATE,
        None,
        {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    )
    yield Case("wire: empty header", "GET", ITEM, None, {"X-Empty": ""})
    yield Case("wire: many headers", "GET", ITEM, None, {f"X-{i}": "v" for i in range(90)})
    yield Case("wire: absolute address", "GET", "http://@host@" + ITEM, None, {})
    yield Case("wire: workspace that is not on", "GET", ITEM, None, {"X-MLFLOW-WORKSPACE": "default"})
