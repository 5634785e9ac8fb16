"""Requests that create assessments."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

from .case import CREATE, ITEM, JSON, STAMP, Case, create, feedback, without


def creating() -> Iterator[Case]:
    """Yields creates: of each field, value and kind, in each encoding."""
    yield from _fields()
    yield from _values()
    yield from _kinds()
    yield from _bodies()
    yield from _encodings()
    yield from _huge()


def _fields() -> Iterator[Case]:
    """Each field of an assessment, with what it should not hold."""
    yield create("plain", feedback())
    yield create(
        "all fields",
        feedback(
            span_id="00f067aa0ba902b7",
            rationale="r",
            metadata={"k": "v"},
            create_time=STAMP,
            last_update_time=STAMP,
            valid=True,
        ),
    )
    for name in ("assessment_name", "source", "feedback"):
        yield create(f"no {name}", without(name))
    wrong_values: dict[str, list[Any]] = {
        "assessment_name": [None, 5, True, [], {}, ""],
        "assessment_id": [None, 5, [], "", "own-@run@-id", "i" * 60, "with/slash-@run@", "@feedback@", "@elsewhere@"],
        "trace_id": [None, 5, "tr-elsewhere", ""],
        "source": [None, "HUMAN", [], {}, 5],
        "span_id": [None, 5, "", "zz", "s" * 60],
        "rationale": [None, 5, [], {}, "", False],
        "metadata": [None, [], "x", 5, {}, {"a": 1}, {"a": None}, {"a": True}, {"a": 0.5}, {"a": {}}, {"a": []}, {"": ""}],
        "overrides": [None, 5, "", "a-unknown", "@feedback@", "@original@", "@override@", "@expectation@", "@elsewhere@", []],
        "valid": [None, False, "false", 0, []],
        "create_time": [None, 5, "", "yesterday", STAMP, "2025-02-20T05:47:23.123456789Z", "2025-02-20T05:47:23+02:00", "2025-02-20t05:47:23z", "2025-02-20T05:47:23", "2025-02-20", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z", "2025-02-30T00:00:00Z", "1970-01-01T00:00:00Z", {"seconds": 5}],
        "last_update_time": [None, 5, "yesterday", STAMP],
        "feedback": [None, [], "x", 5, {}, {"unknown": 1}],
        "error": [None, "x", {}, {"error_code": "C", "error_message": "m"}],
        "unknown": [1, None, {"deep": []}],
        "run_id": ["r"],
    }  # fmt: skip
    for name, wrong in wrong_values.items():
        for value in wrong:
            yield create(f"{name} = {json.dumps(value)[:40]}", feedback(**{name: value}))
    for value in [
        "ROBOT",
        "human",
        "AI_JUDGE",
        "LLM_JUDGE",
        "SOURCE_TYPE_UNSPECIFIED",
        "",
        None,
        0,
        1,
        2,
        3,
        99,
        "2",
        1.5,
        True,
        [],
    ]:
        yield create(f"source_type = {json.dumps(value)}", feedback(source={"source_type": value, "source_id": "x"}))
    for value in [None, 5, "", [], "i" * 300]:
        yield create(
            f"source_id = {json.dumps(value)[:20]}", feedback(source={"source_type": "CODE", "source_id": value})
        )
    # What stands in front of a wrong value is kept, what comes after it is lost.
    yield create(
        "number in metadata before feedback",
        {"assessment_name": "n", "metadata": {"a": 1}, "rationale": "r", "feedback": {"value": 1}},
    )
    yield create(
        "number in metadata after feedback",
        {"assessment_name": "n", "feedback": {"value": 1}, "metadata": {"z": "kept?", "a": 1}, "rationale": "r"},
    )
    yield create(
        "wrong rationale before feedback",
        {"assessment_name": "n", "rationale": 5, "feedback": {"value": 1}, "metadata": {"a": "b"}},
    )
    yield create(
        "wrong name after feedback",
        {"feedback": {"value": 1}, "metadata": {"a": "b"}, "assessment_name": 5, "rationale": "r"},
    )
    yield create(
        "wrong time after feedback",
        {"assessment_name": "n", "feedback": {"value": 1}, "create_time": 5, "rationale": "r"},
    )


def _values() -> Iterator[Case]:
    """Values as JSON spells them, exactly."""
    for text in [
        "true", "null", "0", "-0", "-0.0", "1", "1.0", "1.50", "1e2", "1E+2", "1e-7", "0.1", "9007199254740993", "1e22", "1e23",
        "123456789012345678901234567890", "1e308", "1e309", "-1e400", "5e-324", "1e-400", "NaN", "Infinity", "-Infinity", "01", "+1",
        ".5", "1.", "0x10", '""', '"a"', '"\\u00e4\\ud83d\\ude00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\/"', '"\\x"',
        '"tab\ttab"', '"<&>\u2028\u2029"', '"5"', '"NaN"', "[]", "{}", "[1,2.5,null,[true]]", '{"b":1,"a":{"c":[]}}', '{"a":1,"a":2}', '{"":1}',
        "[NaN]", "True", "undefined",
    ]:  # fmt: skip
        yield create(f"value {text!a}", '{"assessment":{"assessment_name":"n","feedback":{"value":' + text + "}}}")
    for text in [
        "1",
        "1.0",
        "true",
        '"a"',
        "null",
        "[]",
        "[1,2.0]",
        '{"a":1,"b":1.0}',
        "9007199254740993",
        "NaN",
        '""',
    ]:
        yield create(
            f"expected {text!a}", '{"assessment":{"assessment_name":"n","expectation":{"value":' + text + "}}}"
        )
    for depth in (50, 94, 96, 98, 100, 200):
        yield create(
            f"value nested {depth} deep",
            '{"assessment":{"assessment_name":"n","feedback":{"value":' + "[" * depth + "]" * depth + "}}}",
        )
        yield create(
            f"expected nested {depth} deep",
            '{"assessment":{"assessment_name":"n","expectation":{"value":' + "[" * depth + "]" * depth + "}}}",
        )


def _kinds() -> Iterator[Case]:
    """Errors, expectations, issues, and mixtures."""
    errors: list[Any] = [
        None, "x", {}, [], {"error_code": "C"}, {"error_message": "m"}, {"error_code": 5}, {"error_code": "C", "error_message": "m", "stack_trace": "s" * 12000}, {"error_code": "", "error_message": ""}, {"errorCode": "C", "errorMessage": "m", "stackTrace": "s"},
    ]  # fmt: skip
    for error in errors:
        yield create(f"error {json.dumps(error)[:50]}", feedback(feedback={"error": error}))
    yield create(
        "value and error", feedback(feedback={"value": 0.5, "error": {"error_code": "C", "error_message": "m"}})
    )
    yield create("null value and error", feedback(feedback={"value": None, "error": {"error_code": "C"}}))
    base = without("feedback")
    serialized = {"serialization_format": "JSON_FORMAT", "value": '{"a":1,"b":[1.0]}'}
    expectations: dict[str, Any] = {
        "null": None, "empty": {}, "text": "x", "list": [], "serialized": {"serialized_value": serialized},
        "serialized number": {"serialized_value": serialized | {"value": "5"}},
        "serialized big number": {"serialized_value": serialized | {"value": "123456789012345678901234567890"}},
        "serialized null": {"serialized_value": serialized | {"value": "null"}},
        "serialized text": {"serialized_value": serialized | {"value": '"x"'}},
        "serialized spaces": {"serialized_value": serialized | {"value": ' { "a" : 1 } '}},
        "serialized duplicate keys": {"serialized_value": serialized | {"value": '{"a":1,"a":2}'}},
        "serialized NaN": {"serialized_value": serialized | {"value": "[NaN]"}},
        "serialized non-ASCII": {"serialized_value": serialized | {"value": '["ä","\\u00e4"]'}},
        "serialized bad JSON": {"serialized_value": serialized | {"value": "{"}},
        "serialized empty": {"serialized_value": serialized | {"value": ""}},
        "serialized unknown format": {"serialized_value": {"serialization_format": "YAML", "value": "a"}},
        "serialized without format": {"serialized_value": {"value": "[1]"}},
        "serialized wrong type": {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": 5}},
        "value and serialized": {"value": 1, "serialized_value": serialized},
        "serialized and value": {"serialized_value": serialized, "value": 1},
    }  # fmt: skip
    for name, expectation in expectations.items():
        yield create(f"expectation {name}", base | {"expectation": expectation})
    yield create("expectation with rationale", base | {"expectation": {"value": 1}, "rationale": "why"})
    yield create("expectation that overrides", base | {"expectation": {"value": 1}, "overrides": "@feedback@"})
    for name, issue in {
        "": {"issue_name": "slow"},
        "empty": {},
        "null": None,
        "wrong": {"issue_name": 5},
        "no name": {"issue_name": ""},
    }.items():
        yield create(
            f"issue {name}".strip(),
            base | {"assessment_name": "iss-1", "issue": issue, "rationale": "r", "metadata": {"a": "b"}},
        )
    yield create("feedback and expectation", feedback(expectation={"value": 1}))
    yield create("expectation and feedback", base | {"expectation": {"value": 1}, "feedback": {"value": 2}})
    yield create("feedback and null expectation", feedback(expectation=None))
    yield create("null feedback and expectation", feedback(feedback=None, expectation={"value": 1}))
    yield create("feedback and issue", feedback(issue={"issue_name": "x"}))
    yield create(
        "feedback twice", '{"assessment":{"assessment_name":"n","feedback":{"value":1},"feedback":{"value":2}}}'
    )
    yield create(
        "assessment twice",
        '{"assessment":{"assessment_name":"n","feedback":{"value":1}},"assessment":{"assessment_name":"m","feedback":{"value":2}}}',
    )
    yield create(
        "metadata key twice",
        '{"assessment":{"assessment_name":"n","feedback":{"value":1},"metadata":{"a":"1","a":"2"}}}',
    )
    yield create(
        "camel case",
        {
            "assessmentName": "n",
            "spanId": "00f067aa0ba902b7",
            "source": {"sourceType": "HUMAN", "sourceId": "me"},
            "feedback": {"value": 1},
            "createTime": STAMP,
            "lastUpdateTime": STAMP,
        },
    )
    yield create("name spelled twice", feedback(assessmentName="other"))
    yield create(
        "source id spelled twice", feedback(source={"source_type": "HUMAN", "source_id": "a", "sourceId": "b"})
    )
    yield create("error code spelled twice", feedback(feedback={"error": {"error_code": "a", "errorCode": "b"}}))
    yield create("metadata that looks like aliases", feedback(metadata={"assessment_name": "a", "assessmentName": "b"}))
    yield create("value that looks like aliases", feedback(feedback={"value": {"source_id": "a", "sourceId": "b"}}))
    yield create(
        "markup in every field",
        {
            "assessment_name": "<b>",
            "source": {"source_type": "HUMAN", "source_id": "<i>"},
            "feedback": {"value": "<script>"},
            "rationale": "</script>",
            "metadata": {"<a>": "&"},
        },
    )
    yield create(
        "session and run in metadata",
        feedback(metadata={"mlflow.trace.session": "s", "mlflow.assessment.sourceRunId": "0" * 32}),
    )
    yield create("the same twice", feedback(), times=2)
    yield create("the same id twice", feedback(assessment_id="twice-@run@"), times=2)
    yield create("a fork", feedback(overrides="@original@", rationale="second override of @override@"))


def _bodies() -> Iterator[Case]:
    """Bodies that are no request."""
    for name, body in {
        "none": None, "empty": "", "spaces": "  \n", "null": "null", "list": "[]", "number": "5", "true": "true", "empty object": "{}",
        "cut": '{"assessment": {"assessment_name": "n", ', "trailing comma": '{"assessment": {"feedback": {"value": 1},}}',
        "single quotes": "{'assessment': {'feedback': {'value': 1}}}", "garbage behind": '{"assessment": {"feedback": {"value": 1}}} x',
        "two objects": '{"assessment": {"feedback": {"value": 1}}}{}', "comment": '/* */ {"assessment": {"feedback": {"value": 1}}}',
        "html": "<html>", "assessment null": '{"assessment": null}', "assessment list": '{"assessment": []}', "assessment text": '{"assessment": "x"}',
        "assessment number": '{"assessment": 5}', "assessment empty": '{"assessment": {}}', "bare assessment": '{"assessment_name": "n", "feedback": {"value": 1}}',
        "unknown beside": '{"x": 1, "assessment": {"assessment_name": "n", "feedback": {"value": 1}}}',
        "upper case": '{"Assessment": {"assessment_name": "n", "feedback": {"value": 1}}}',
        "string null": '"null"', "string list": '"[1]"', "string bad": '"{"', "string empty": '""',
    }.items():  # fmt: skip
        yield Case(f"create: body {name}", "POST", CREATE, body)
    inner = json.dumps({"assessment": feedback()})
    yield Case("create: body encoded twice", "POST", CREATE, json.dumps(inner).encode())
    yield Case("create: body encoded three times", "POST", CREATE, json.dumps(json.dumps(inner)).encode())
    for name, body in {
        "none": None,
        "empty": "",
        "null": "null",
        "list": "[]",
        "cut": '{"assessment"',
        "text": '"x"',
    }.items():
        yield Case(f"update: body {name}", "PATCH", ITEM, body)


def _encodings() -> Iterator[Case]:
    plain = json.dumps({"assessment": feedback(rationale="grün ✓")}, ensure_ascii=False)
    for kind in [
        None,
        "text/plain",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=nonsense",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.api+json",
        "application/jsonx",
        "text/json",
        "",
        "*/*",
        "application/json, text/plain",
    ]:
        yield Case(
            f"create: content type {kind}",
            "POST",
            CREATE,
            plain.encode(),
            {} if kind is None else {"Content-Type": kind},
        )
    latin = json.dumps({"assessment": feedback(rationale="grün")}, ensure_ascii=False).encode("latin-1")
    yield Case("create: Latin-1", "POST", CREATE, latin)
    yield Case(
        "create: Latin-1 that says so", "POST", CREATE, latin, {"Content-Type": "application/json; charset=iso-8859-1"}
    )
    yield Case("create: byte order mark", "POST", CREATE, b"\xef\xbb\xbf" + plain.encode())
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Case(f"create: {encoding}", "POST", CREATE, plain.encode(encoding))
    yield Case("create: bad UTF-8", "POST", CREATE, plain.encode().replace("ü".encode(), b"\xff\xfe"))
    yield Case("create: cut UTF-8", "POST", CREATE, plain.encode().replace("✓".encode(), b"\xe2\x9c"))
    yield Case("create: surrogate in UTF-8", "POST", CREATE, plain.encode().replace("✓".encode(), b"\xed\xa0\x80"))
    yield Case("create: gzip", "POST", CREATE, gzip.compress(plain.encode()), JSON | {"Content-Encoding": "gzip"})
    yield Case("create: deflate", "POST", CREATE, zlib.compress(plain.encode()), JSON | {"Content-Encoding": "deflate"})
    yield Case("create: zstd that is none", "POST", CREATE, plain.encode(), JSON | {"Content-Encoding": "zstd"})
    yield Case("create: identity", "POST", CREATE, plain.encode(), JSON | {"Content-Encoding": "identity"})
    yield Case("create: unknown encoding", "POST", CREATE, plain.encode(), JSON | {"Content-Encoding": "x"})
    yield Case("create: gzip that is none", "POST", CREATE, plain.encode(), JSON | {"Content-Encoding": "gzip"})


def _huge() -> Iterator[Case]:
    yield create("rationale of 200 kB", feedback(rationale="r" * 200_000))
    yield create("rationale of 2 MB", feedback(rationale="r" * 2_000_000))
    yield create("value of 2 MB", feedback(feedback={"value": ["v" * 1000] * 2000}))
    yield create("name of 10 kB", feedback(assessment_name="n" * 10_000))
    yield create("1,000 metadata keys", feedback(metadata={f"k{i}": "v" for i in range(1000)}))
    yield create("10,000 metadata keys", feedback(metadata={f"key-{i:05}": "value" * 4 for i in range(10_000)}))
    for depth in (1000, 100_000):
        yield Case(
            f"create: nested {depth} deep",
            "POST",
            CREATE,
            b'{"assessment":{"feedback":{"value":' + b"[" * depth + b"]" * depth + b"}}",
        )
