"""Feedback beside a trace: added, edited, deleted, one's own and a judge's; an expectation and a note. After each step
the page shows it, and the endpoint, MLflow and Redis say the same.
"""

from typing import Any

from playwright.sync_api import expect

from pages import Assessments
from servers import MODEL_SPAN, ROOT_SPAN
from visit import Visit, arrived, named

COLLEAGUE = "grace"


def scene(visit: Visit) -> None:
    """Adds, edits and deletes feedback of one's own and of a judge, an expectation and a note."""
    sides, trace = visit.sides, visit.exchange("Is it a good time to buy?")
    mine = {"source_type": "HUMAN", "source_id": sides.author}
    judge = sides.front.assess(
        trace,
        assessment_name="relevance",
        source={"source_type": "LLM_JUDGE", "source_id": "judge@1"},
        feedback={"value": True},
        rationale="On the subject.",
        metadata={"mlflow.assessment.judgeCost": "0.001"},
    )
    # Given by somebody who works in MLflow directly.
    sides.back.assess(
        trace,
        assessment_name="tone",
        source={"source_type": "HUMAN", "source_id": COLLEAGUE},
        feedback={"value": "friendly"},
    )
    traces = visit.traces()

    with visit.step("open the list and a trace"):
        traces.open()
        expect(traces.row(trace)).to_contain_text("True")
        pane = traces.open_trace(trace)
        pane.expect_value("relevance", "True")
        pane.expect_value("tone", "friendly")
        sides.agreed(trace, lambda rows: len(rows) >= 2)

    with visit.step("nothing is offered to edit in a colleague's name"):
        assert pane.offered("tone") == ["Delete"], pane.offered("tone")

    with visit.step("add feedback"):
        pane.add_feedback("helpful", False, "It says nothing.")
        pane.expect_value("helpful", "False")
        expect(pane.expand("helpful")).to_contain_text("It says nothing.")
        wanted = {"feedback": {"value": False}, "rationale": "It says nothing.", "source": mine}
        helpful = named(sides.agreed(trace, lambda rows: bool(named(rows, "helpful", **wanted))), "helpful")[0]

    with visit.step("add feedback as text"):
        pane.add_feedback("in a word", "evasive", "")
        pane.expect_value("in a word", "evasive")
        sides.agreed(trace, lambda rows: bool(named(rows, "in a word", feedback={"value": "evasive"}, source=mine)))

    with visit.step("edit one's own feedback"):
        pane.edit("helpful", True, "On second thought, it does.")
        pane.expect_value("helpful", "True")
        expect(pane.expand("helpful")).to_contain_text("On second thought, it does.")
        wanted = {"assessment_id": helpful["assessment_id"], "feedback": {"value": True}, "source": mine}
        sides.agreed(trace, lambda rows: bool(named(rows, "helpful", **wanted)))
        _changed(visit, trace, helpful["assessment_id"], old=False)

    with visit.step("edit a judge's feedback"):
        pane.edit("relevance", False, "The judge is wrong.")
        pane.expect_value("relevance", "False")
        expect(pane.expand("relevance")).to_contain_text("The judge is wrong.")
        wanted = {"overrides": judge, "feedback": {"value": False}, "source": mine}
        sides.agreed(
            trace,
            lambda rows: (
                bool(named(rows, "relevance", **wanted))
                and bool(named(rows, "relevance", assessment_id=judge, valid=False, feedback={"value": True}))
            ),
        )

    if visit.check:
        with visit.step("edit a check's feedback"):
            _edit_check(visit, pane, trace)

    with visit.step("write a note"):
        pane.note("Ask the author.\nThen answer.")
        sides.agreed(trace, lambda rows: bool(named(rows, "mlflow.notes", source=mine)))

    with visit.step("add an expectation"):
        pane.add_expectation("expected", "Nobody knows.")
        expect(pane.box("expected")).to_contain_text("Nobody knows.")
        wanted = {"expectation": {"value": "Nobody knows."}, "source": mine}
        sides.agreed(trace, lambda rows: bool(named(rows, "expected", **wanted)))

    with visit.step("edit an expectation"):
        pane.edit("expected", "It depends.", "")
        expect(pane.box("expected")).to_contain_text("It depends.")
        sides.agreed(trace, lambda rows: bool(named(rows, "expected", expectation={"value": "It depends."})))

    # Not at once after writing it: the page first reads it back, and drops what was typed meanwhile.
    with visit.step("write the note anew"):
        pane.note("Asked the author.")
        note = {"value": "Asked the author."}
        sides.agreed(trace, lambda rows: bool(named(rows, "mlflow.notes", feedback=note, valid=True)))

    with visit.step("delete one's own feedback"):
        pane.delete("helpful")
        expect(pane.box("helpful")).to_be_hidden()
        sides.agreed(trace, lambda rows: not named(rows, "helpful"))
        _deleted(visit, trace, helpful["assessment_id"])

    with visit.step("delete what overrode the judge"):
        pane.delete("relevance")
        pane.expect_value("relevance", "True")
        sides.agreed(
            trace,
            lambda rows: [row["valid"] for row in named(rows, "relevance")] == [True],
        )

    with visit.step("delete a colleague's feedback"):
        pane.delete("tone")
        expect(pane.box("tone")).to_be_hidden()
        sides.agreed(trace, lambda rows: not named(rows, "tone"))

    with visit.step("all is there after reloading"):
        visit.page.reload()
        visit.page.get_by_role("button", name="Assess trace").click()
        pane.expect_value("relevance", "True")
        pane.expect_value("in a word", "evasive")
        expect(pane.box("expected")).to_contain_text("It depends.")
        pane.expect_note("Asked the author.")
        for gone in ("helpful", "tone"):
            expect(pane.box(gone)).to_be_hidden()


def _edit_check(visit: Visit, pane: Assessments, trace: str) -> None:
    """Overrides what a check said of the exchange when its spans passed."""
    name, mine = visit.check, {"source_type": "HUMAN", "source_id": visit.sides.author}

    arrived(visit, trace, name)
    visit.page.reload()
    visit.page.get_by_role("button", name="Assess trace").click()
    pane.of_span(MODEL_SPAN)
    pane.expect_value(name, "False")
    pane.edit(name, True, "None is needed.")
    pane.expect_value(name, "True")
    pane.of_span(ROOT_SPAN)
    value = {"value": True}
    visit.sides.agreed(
        trace, lambda rows: bool(named(rows, name, feedback=value, source=mine) and named(rows, name, valid=False))
    )


def _kept(visit: Visit, trace: str, assessment: str) -> dict[str, Any]:
    """Returns what Redis holds of an assessment."""
    kept = [h for h in visit.sides.history(trace) if h["assessment"]["assessment_id"] == assessment]
    assert len(kept) == 1, f"{assessment} is not in the history"
    return kept[0]


def _changed(visit: Visit, trace: str, assessment: str, old: bool) -> None:
    if visit.sides.alone:
        return
    last = _kept(visit, trace, assessment)["history"][-1]
    assert last["door"] == "ui", last
    assert last["old"]["feedback"]["value"] is old, last
    assert last.get("author") == visit.sides.author, last


def _deleted(visit: Visit, trace: str, assessment: str) -> None:
    if not visit.sides.alone:
        record = _kept(visit, trace, assessment)["record"]
        assert "deleted" in record, record
