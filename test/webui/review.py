"""Review queues: one that a person makes, and one that a rule of the endpoint fills."""

from typing import Any

from servers import API, Row, eventually
from visit import Visit, arrived, named

OWN_QUEUE, OWN_QUESTION = "Second look", "correct"


def own(visit: Visit) -> None:
    """Makes a queue, puts a trace into it, and answers its question, twice."""
    asked = "Is gold safe?"
    sides, trace, traces, page = visit.sides, visit.exchange(asked), visit.traces(), visit.review()

    with visit.step("make a review queue"):
        page.open()
        page.new_queue(OWN_QUEUE, OWN_QUESTION)

    with visit.step("flag a trace for review"):
        traces.open()
        traces.open_trace(trace)
        traces.flag(OWN_QUEUE)

    with visit.step("answer the queue's question"):
        page.open()
        page.choose(OWN_QUEUE)
        page.expect_status(asked, "Needs review")
        page.start()
        page.answer("Fail", "Half an answer.")
        page.expect_status(asked, "Reviewed")
        sides.agreed(trace, lambda rows: _answers(visit, rows, OWN_QUESTION) == [(False, True, "Half an answer.")])
        _completed(visit, OWN_QUEUE, trace)

    with visit.step("answer again"):
        page.choose_trace(asked)
        page.expect_answer("Fail", "Half an answer.")
        page.answer("Pass", "Enough of an answer.", then="Save changes")
        again = (True, True, "Enough of an answer.")
        sides.agreed(trace, lambda rows: again in _answers(visit, rows, OWN_QUESTION))

    with visit.step("the answer stands beside the trace"):
        traces.open()
        traces.open_trace(trace).expect_value(OWN_QUESTION, "True")


def ruled(visit: Visit) -> None:
    """Answers a queue that holds a trace because its check failed."""
    asked = "Are bonds safe?"
    sides, trace, page = visit.sides, visit.exchange(asked), visit.review()
    check, queue = visit.check or "has_disclaimer", visit.queue or "failed_disclaimer"
    if sides.alone:
        _as_by_rule(visit, trace, check, queue)

    with visit.step("a rule has put the trace into its queue"):
        arrived(visit, trace, check)
        eventually(60, lambda: _item(visit, queue, trace))
        page.open()
        page.choose(queue)
        page.expect_status(asked, "Needs review")

    with visit.step("answer the rule's question"):
        page.choose_trace(asked)
        page.answer("Pass", "None is needed.")
        wanted = (True, True, "None is needed.")
        sides.agreed(trace, lambda rows: wanted in _answers(visit, rows, check))
        _completed(visit, queue, trace)
        page.open()
        page.choose(queue)
        page.expect_status(asked, "Reviewed")


def _answers(visit: Visit, rows: list[Row], question: str) -> list[tuple[Any, Any, Any]]:
    """Returns value, validity and rationale of what the person answered. Without a name the page gives its own."""
    author = visit.sides.front.user or "default"
    given = named(rows, question, source={"source_type": "HUMAN", "source_id": author})
    return [(row["feedback"]["value"], row["valid"], row.get("rationale")) for row in given]


def _item(visit: Visit, queue: str, trace: str) -> Any:
    """Returns the trace as an item of the queue, which the endpoint and MLflow must have alike."""
    items = []
    for server in (visit.sides.front, visit.sides.back):
        listed = server.call("GET", f"{API}/review-queues/list?experiment_id={visit.experiment}")
        found = [q["queue_id"] for q in listed.get("review_queues", []) if q["name"] == queue]
        assert len(found) == 1, f"{len(found)} queues called {queue}"
        answer = server.call("GET", f"{API}/review-queues/items/list?queue_id={found[0]}")
        items.append([item for item in answer.get("items", []) if item["item_id"] == trace])
    assert items[0] == items[1], items
    assert len(items[0]) == 1, f"{trace} is not in {queue}"
    return items[0][0]


def _completed(visit: Visit, queue: str, trace: str) -> None:
    def attempt() -> None:
        item = _item(visit, queue, trace)
        assert item["status"] == "COMPLETE", item

    eventually(10, attempt)


def _as_by_rule(visit: Visit, trace: str, check: str, queue: str) -> None:
    """Does on MLflow alone what checks and rules do."""
    back, experiment = visit.sides.back, {"experiment_id": visit.experiment}
    source = {"source_type": "CODE", "source_id": check}
    back.assess(trace, assessment_name=check, source=source, feedback={"value": False})
    answers = {"pass_fail": {"positive_label": "Pass", "negative_label": "Fail"}}
    question = {**experiment, "name": check, "type": "FEEDBACK", "enable_comment": True, "input": answers}
    schema = back.call("POST", f"{API}/label-schemas/create", question)["label_schema"]
    made = {**experiment, "name": queue, "queue_type": "CUSTOM", "schema_ids": [schema["schema_id"]]}
    queue_id = back.call("POST", f"{API}/review-queues/create", made)["review_queue"]["queue_id"]
    back.call("POST", f"{API}/review-queues/items/add", {"queue_id": queue_id, "item_ids": [trace]})
