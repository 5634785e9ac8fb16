"""Requests that update and delete assessments."""

import json
from collections.abc import Iterator

from .case import ITEM, STAMP, Case, T, item, update


def changing() -> Iterator[Case]:
    """Yields updates by masks of all spellings, and deletes."""
    yield from _masks()
    yield from _updates()
    yield from _deletes()


def _masks() -> Iterator[Case]:
    """The mask, in all spellings."""
    for mask in [
        "feedback", "rationale", "metadata", "assessmentName", "assessment_name", "feedback,rationale", "feedback,assessment_name",
        "assessment_name,feedback", "assessmentName,feedback,rationale,metadata", "expectation", "feedback,expectation",
        "expectation,feedback", "valid", "source", "overrides", "spanId", "span_id", "createTime", "lastUpdateTime", "traceId",
        "assessmentId", "issue", "error", "unknown", "unknown,rationale", "rationale,unknown", "", " ", ",", "feedback,", ",feedback",
        "feedback,,rationale", "feedback, rationale", " rationale", "feedback.value", "feedback.value,rationale", "metadata.c",
        "FEEDBACK", "Feedback", "feed_back", "feedBack", "feedback;rationale", "feedback rationale", "feedback,feedback", "*", "ü",
        ["feedback"], {"paths": ["feedback"]}, {}, [], 5, True, None,
    ]:  # fmt: skip
        yield update(f"mask {json.dumps(mask)}", mask)
    yield Case("update: no mask", "PATCH", ITEM, json.dumps({"assessment": {"rationale": "changed"}}))
    yield Case("update: no assessment", "PATCH", ITEM, '{"update_mask": "rationale"}')
    yield Case(
        "update: camel case",
        "PATCH",
        ITEM,
        json.dumps({"assessment": {"assessmentName": "changed"}, "updateMask": "assessmentName"}),
    )
    yield Case(
        "update: mask spelled twice",
        "PATCH",
        ITEM,
        json.dumps({"assessment": {"rationale": "x"}, "updateMask": "rationale", "update_mask": "rationale"}),
    )
    yield Case(
        "update: mask in the query",
        "PATCH",
        ITEM + "?update_mask=rationale",
        json.dumps({"assessment": {"rationale": "changed"}}),
    )
    for mask in ["feedback", "rationale", "metadata", "assessmentName", "expectation"]:
        yield update(f"mask {mask} of an empty assessment", mask, {})
        yield update(
            f"mask {mask} of a null",
            mask,
            {"feedback": None, "rationale": None, "metadata": None, "assessment_name": None, "expectation": None},
        )


def _updates() -> Iterator[Case]:
    for name, assessment, mask in [
        ("value null", {"feedback": {"value": None}}, "feedback"), ("feedback empty", {"feedback": {}}, "feedback"),
        ("error", {"feedback": {"error": {"error_code": "C", "error_message": "m"}}}, "feedback"),
        ("error and value", {"feedback": {"value": 1, "error": {"error_code": "C"}}}, "feedback"),
        ("rationale empty", {"rationale": ""}, "rationale"), ("rationale number", {"rationale": 5}, "rationale"),
        ("metadata merges", {"metadata": {"a": "new", "b": "c"}}, "metadata"), ("metadata empty", {"metadata": {}}, "metadata"),
        ("metadata number", {"metadata": {"a": 5}}, "metadata"), ("metadata null", {"metadata": {"a": None}}, "metadata"),
        ("name empty", {"assessment_name": ""}, "assessmentName"), ("name number", {"assessment_name": 5}, "assessmentName"),
        ("other ids", {"assessment_id": "a-other", "trace_id": "tr-other", "rationale": "changed"}, "rationale"),
        ("source beside", {"source": {"source_type": "CODE", "source_id": "x"}, "rationale": "changed"}, "rationale"),
        ("valid false beside", {"valid": False, "rationale": "changed"}, "rationale"),
        ("times beside", {"create_time": STAMP, "last_update_time": STAMP, "rationale": "changed"}, "rationale"),
        ("both kinds", {"feedback": {"value": 1}, "expectation": {"value": 2}}, "feedback"),
        ("both kinds, the other", {"expectation": {"value": 2}, "feedback": {"value": 1}}, "expectation"),
        ("wrong type before what is asked", {"span_id": 5, "rationale": "changed"}, "rationale"),
        ("wrong type behind what is asked", {"rationale": "changed", "span_id": 5}, "rationale"),
        ("same value", {"feedback": {"value": 0.5}}, "feedback"), ("nothing changes", {"metadata": {"a": "b"}}, "metadata"),
    ]:  # fmt: skip
        yield update(name, mask, assessment)
    yield Case(
        "update: mask behind a wrong type",
        "PATCH",
        ITEM,
        '{"assessment": {"rationale": 5}, "update_mask": "rationale"}',
    )
    yield Case(
        "update: mask before a wrong type",
        "PATCH",
        ITEM,
        '{"update_mask": "feedback,rationale", "assessment": {"feedback": {"value": 7}, "metadata": {"x": 1}, "rationale": "lost?"}}',
    )
    for target in ("expectation", "issue", "original", "override"):
        for mask in ("feedback", "expectation", "rationale", "metadata", "assessmentName", "feedback,expectation"):
            yield update(
                f"{target} by mask {mask}",
                mask,
                {"feedback": {"value": 3}, "rationale": "changed", "metadata": {"c": "d"}, "assessment_name": "changed"}
                if "expectation" not in mask
                else {"expectation": {"value": 3}},
                item(target),
            )
    yield update("expectation to a list", "expectation", {"expectation": {"value": [1, 2.0]}}, item("expectation"))
    yield update(
        "expectation to a serialized value",
        "expectation",
        {"expectation": {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": "[1,2.0]"}}},
        item("expectation"),
    )
    yield update("expectation to nothing", "expectation", {"expectation": {}}, item("expectation"))
    yield update(
        "expectation and rationale, as the page sends them",
        "expectation,rationale",
        {"expectation": {"value": 4}, "rationale": "why"},
        item("expectation"),
    )
    yield update("of another trace", "rationale", path=item("elsewhere"))
    yield update("unknown", "rationale", path=T + "/@trace@/assessments/a-unknown")
    yield update(
        "of an unknown trace", "rationale", path=T + "/tr-00000000000000000000000000000009/assessments/a-unknown"
    )
    yield update("unknown with a bad mask", "valid", path=T + "/@trace@/assessments/a-unknown")


def _deletes() -> Iterator[Case]:
    yield Case("delete: plain", "DELETE", ITEM, None, {})
    yield Case("delete: with a body", "DELETE", ITEM, '{"trace_id": "@trace@", "assessment_id": "@feedback@"}')
    yield Case("delete: with other ids in the body", "DELETE", ITEM, '{"trace_id": "tr-x", "assessment_id": "a-x"}')
    yield Case("delete: with a bad body", "DELETE", ITEM, "{")
    yield Case("delete: with a text for a body", "DELETE", ITEM, "x", {"Content-Type": "text/plain"})
    yield Case("delete: with a query", "DELETE", ITEM + "?trace_id=x")
    yield Case("delete: twice", "DELETE", ITEM, times=2)
    yield Case("delete: an original", "DELETE", item("original"))
    yield Case("delete: an override", "DELETE", item("override"))
    yield Case("delete: an expectation", "DELETE", item("expectation"))
    yield Case("delete: an issue", "DELETE", item("issue"))
    yield Case("delete: of another trace", "DELETE", item("elsewhere"))
    yield Case("delete: unknown", "DELETE", T + "/@trace@/assessments/a-unknown")
    yield Case(
        "delete: of an unknown trace", "DELETE", T + "/tr-00000000000000000000000000000009/assessments/a-unknown"
    )
    yield Case("delete: of what is no trace id", "DELETE", T + "/nonsense/assessments/a-unknown")
