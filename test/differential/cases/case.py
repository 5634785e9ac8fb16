"""What a case is, and how one is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

T = "/api/3.0/mlflow/traces"
CREATE = T + "/@trace@/assessments"
ITEM = T + "/@trace@/assessments/@feedback@"
JSON = {"Content-Type": "application/json"}
STAMP = "2025-02-20T05:47:23Z"


@dataclass(frozen=True)
class Case:
    """One request.

    Names between at signs are filled in: @trace@ is the case's own trace, @other@ one more, @run@ a token of this run,
    and @feedback@, @expectation@, @issue@, @original@ with its @override@, @elsewhere@ (on the other trace) are
    assessments that are made first, where a case names them.
    """

    name: str
    method: str
    path: str
    # Text is filled in, bytes are sent as they are.
    body: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    version: str = "HTTP/1.1"
    # Sent this many times; the last answer counts.
    times: int = 1


def feedback(**fields: Any) -> dict[str, Any]:
    """An assessment with a value, and fields on top; None in a field is sent as null."""
    return {
        "assessment_name": "n",
        "source": {"source_type": "HUMAN", "source_id": "me"},
        "feedback": {"value": True},
    } | fields


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in feedback().items() if key not in names}


def create(name: str, assessment: Any, **options: Any) -> Case:
    body = assessment if isinstance(assessment, str | bytes) else json.dumps({"assessment": assessment})
    return Case("create: " + name, "POST", options.pop("path", CREATE), body, **options)


def update(name: str, mask: Any, assessment: Any = None, path: str = ITEM, **more: Any) -> Case:
    changed = {
        "assessment_name": "changed",
        "feedback": {"value": "changed"},
        "rationale": "changed",
        "metadata": {"c": "d"},
    }
    return Case(
        "update: " + name,
        "PATCH",
        path,
        json.dumps({"assessment": changed if assessment is None else assessment, "update_mask": mask} | more),
    )


def item(assessment: str) -> str:
    return f"{T}/@trace@/assessments/@{assessment}@"
