"""What plans draw from: good, odd and bad arguments."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Source:
    """An AssessmentSource, made when the call is made: making it may fail."""

    type: Any
    id: Any


@dataclass(frozen=True)
class Failure:
    """The error of a feedback: a text, an exception, or an AssessmentError."""

    kind: str
    code: str = ""
    text: str | None = None
    stack: str | None = None


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"down": value}
    return value


VALUES: list[Any] = [
    True, False, True, False, 0, 1, -1, 5, 2**53, 2**53 + 1, -(2**63), 10**30, 0.0, -0.0, 0.5, 0.1 + 0.2, 1e-7,
    1e16, 1e22, 123456789.125, 5e-324, 1.7976931348623157e308, None, "", "yes", "no", "true",
    "5", "5.0", "ja ✓ 財 😀 e\u0301 \u2028", 'quote " back \\ slash', "<script>alert(1)</script>&", "\u0000\u001f\u007f",
    "x" * 9000, [], {}, [[]], [{}], [1, "a", True, None, 2.5], {"a": 1, "b": [1, 2], "c": {"d": None}}, (1, 2),
    {"": 0, "ä.b": 1, "__proto__": 2, "value": 3}, {"score": 0.5, "ok": True, "n": 10}, nested(20),
]  # fmt: skip
# Values that the client does not take, or not everywhere.
BAD_VALUES: list[Any] = [
    10**400,
    float("nan"),
    float("inf"),
    "\ud800",
    {3},
    b"bytes",
    {1: 2},
    1j,
]
# The endpoint takes no empty one.
NAMES = [
    "relevance",
    "relevance",
    "helpfulness",
    "score",
    "answer",
    "correct.ness",
    "mlflow.notes",
    "with space",
    "ü 財",
    "a/b?c#d",
    "q'u`o\"te",
    "n" * 250,
    "n" * 400,
]
RATIONALES: list[Any] = [None, None, "", "because", "two\nlines\ttab", "<b>bold</b> & 財 😀", "r" * 5000]
METADATA: list[Any] = [
    None, None, None, {}, {"a": "b"}, {"a": "c", "n": 5, "f": 0.5, "t": True, "none": None}, {"nested": {"x": [1]}},
    {"": "empty key", "k": ""}, {"ü.財": "😀\n", "<i>": "&"}, {"long": "v" * 3000}, {f"k{i}": str(i) for i in range(40)},
    {"mlflow.assessment.sourceRunId": "0123456789abcdef0123456789abcdef"}, {"mlflow.trace.session": "session-1"},
    {"mlflow.assessment.judgeCost": 0.25, "mlflow.assessment.judgeInputTokens": 10},
]  # fmt: skip
SOURCES: list[Any] = [
    None, None, Source("HUMAN", "ann@example.com"), Source("HUMAN", "User"), Source("CODE", "validator_v2"),
    Source("LLM_JUDGE", "judge-1"), Source("human", "lower"), Source("AI_JUDGE", "old"), Source("HUMAN", "default"),
    Source("SOURCE_TYPE_UNSPECIFIED", "nobody"), Source("CODE", None), Source("CODE", ""), Source("HUMAN", "ü 財 😀"),
    Source("LLM_JUDGE", "i" * 300),
]  # fmt: skip
BAD_SOURCES: list[Any] = [Source("ROBOT", "r2"), Source("", "x"), Source(None, "x"), Source("CODE", 5), "HUMAN"]
FAILURES: list[Any] = [
    Failure("text", text="it broke"), Failure("text", text=""), Failure("exception", "ValueError", "bad value"),
    Failure("exception", "TimeoutError", ""), Failure("raised", "KeyError", "missing"),
    Failure("error", "RATE_LIMIT", "slow down", "at line 1\nat line 2"), Failure("error", "NO_TEXT"),
    Failure("error", "", "no code"), Failure("error", "LONG", "m" * 3000, "s" * 12000), Failure("number"),
]  # fmt: skip
UNKNOWN_TRACES = [
    "tr-" + "0" * 31 + "1",
    "tr-" + "F" * 32,
    "tr-12",
    "tr-",
    "1",
    "tr-" + "a" * 33,
    "trace with space",
    "tr-ü",
    "x" * 300,
    "",
    "a/b",
    "..",
    "tr-%2F",
]
UNKNOWN_ASSESSMENTS = [
    "a-" + "0" * 32,
    "a-unknown",
    "A-" + "0" * 32,
    "x",
    "a" * 300,
    "ü",
    "a b",
    "",
    "a/b",
    "..",
    "%2F",
    "a?b",
    "a#b",
]
# Ids of no span at all; the endpoint takes none that is not of 16 hex digits.
SPAN_IDS: list[Any] = [None, None, None, "00f067aa0ba902b7", ""]
OLD = 1_700_000_000_000
TIMES = [OLD, OLD + 1, 1, 4_102_444_800_123]

SEARCHES: list[Any] = [
    None,
    None,
    "trace.status = 'OK'",
    "trace.status = 'ERROR'",
    "tag.color = 'red'",
    "trace.timestamp_ms > 0",
    "span.name = 'root'",
    "nonsense",
    "tag.color =",
    "trace.nothing = 'x'",
]
# Only MLflow answers these, so they are asked only when it holds everything.
FEEDBACK_SEARCHES = [
    "feedback.relevance = 'yes'", "feedback.relevance = 'true'", "feedback.relevance != 'true'", "feedback.score > 0.2",
    "feedback.score <= 1", "feedback.score = '5.0'", "feedback.relevance IS NOT NULL", "feedback.helpfulness IS NULL",
    "feedback.answer LIKE '%e%'", "feedback.answer ILIKE 'YES'", "feedback.`correct.ness` IS NOT NULL",
    "feedback.`with space` = 'no'", "expectation.answer IS NOT NULL", "expectation.answer = 'yes'",
    "expectation.score >= 1", "expectation.relevance LIKE '%a%'", "feedback.nobody = 'x'", "expectation.nobody IS NULL",
    "feedback.relevance = 'true' AND tag.color = 'red'", "feedback.relevance >", "feedback. = 'x'",
    "feedback.relevance = 'false' AND feedback.score IS NOT NULL",
]  # fmt: skip
ORDERS: list[Any] = [None, ["timestamp_ms ASC"], ["timestamp_ms DESC"], ["nonsense"]]
