"""What strangers write into an assessment stays text in the page: nothing of it is run, opened or loaded."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, expect

from servers import API
from visit import Visit

# Each would set the flag, were it run; so would a dialog be noticed.
FLAG = "payloadRan"
RUN = f"window.{FLAG}=1"
IMAGE = f'<img src=x onerror="{RUN}">'
SCRIPT = f'"><script>{RUN}</script>'
VECTOR = f"<svg/onload=alert('{FLAG}')>"
ADDRESS = f"javascript:{RUN}//"
TEMPLATE = "{{constructor.constructor('" + RUN + "')()}}"
MARKDOWN = f"[read more]({ADDRESS}) ![x]({ADDRESS}) <a href='{ADDRESS}'>more</a> {IMAGE}"
PAYLOADS = [IMAGE, SCRIPT, VECTOR, ADDRESS, TEMPLATE, MARKDOWN]


def hostile() -> Iterator[dict[str, Any]]:
    """Returns assessments with a payload in every field that a stranger can fill."""
    for number, payload in enumerate(PAYLOADS):
        yield {
            "assessment_name": f"{number} {payload}",
            "source": {"source_type": "LLM_JUDGE", "source_id": payload},
            "feedback": {"value": payload},
            "rationale": payload,
            "metadata": {
                payload: payload,
                # The page makes links and figures of these.
                "mlflow.assessment.scorerTraceId": payload,
                "mlflow.assessment.sourceRunId": payload,
                "mlflow.assessment.judgeCost": payload,
            },
        }
    everything = {payload: [payload] for payload in PAYLOADS}
    code = {"source_type": "CODE", "source_id": IMAGE}
    failure = {"error_code": IMAGE, "error_message": SCRIPT + MARKDOWN, "stack_trace": VECTOR + SCRIPT}
    yield {"assessment_name": "object", "source": code, "feedback": {"value": everything}}
    yield {"assessment_name": "failed", "source": code, "feedback": {"error": failure}}
    person = {"source_type": "HUMAN", "source_id": "User"}
    yield {"assessment_name": f"expected {IMAGE}", "source": person, "expectation": {"value": SCRIPT}}
    yield {"assessment_name": "mlflow.notes", "source": person, "feedback": {"value": MARKDOWN}}


def scene(visit: Visit) -> None:
    """Looks at hostile assessments in the list, beside the trace, and as the bare answers of the server."""
    sides, page, trace = visit.sides, visit.page, visit.exchange("What is <i>safe</i>?")
    ids = [sides.front.assess(trace, **assessment) for assessment in hostile()]
    sides.agreed(trace, lambda rows: len(rows) >= len(ids))

    with visit.step("hostile assessments in the list"):
        traces = visit.traces()
        traces.open()
        expect(traces.row(trace)).to_contain_text(IMAGE)
        _untouched(page)

    with visit.step("hostile assessments beside the trace"):
        pane = traces.open_trace(trace)
        pane.expect_value("object", ADDRESS)
        pane.expand_all()
        expect(pane.box(f"expected {IMAGE}")).to_contain_text(SCRIPT)
        pane.expect_note(MARKDOWN)
        _untouched(page)

    with visit.step("a hostile stack trace"):
        pane.box("failed").get_by_text("View stack trace").click()
        expect(page.get_by_role("dialog", name="Error stack trace")).to_contain_text(VECTOR)
        _untouched(page)
        page.keyboard.press("Escape")

    with visit.step("hostile text in bare answers"):
        unknown = quote(IMAGE, safe="")
        paths = [f"{API}/traces/{trace}", *(f"{API}/traces/{trace}/assessments/{id}" for id in [*ids, unknown])]
        paths.append(f"{API}/traces/{unknown}/assessments/{unknown}")
        if not sides.alone:
            history = "/feedback/v1/traces/{}/history"
            paths += [history.format(trace), history.format(unknown), f"/feedback/v1/{unknown}"]
        for path in paths:
            answer = _bare(visit, sides.front.url + path)
            assert answer in ("application/json", "text/plain"), f"{path} is answered as {answer}"
            _untouched(page)


def _bare(visit: Visit, url: str) -> str:
    """Opens an answer of the API as a page, as a link to it would; that it is a refusal is no problem of the page."""
    before = list(visit.watch.problems)
    response = visit.page.goto(url)
    assert response
    visit.watch.problems[:] = before
    return response.headers.get("content-type", "").partition(";")[0]


def _untouched(page: Page) -> None:
    """Fails where a payload has become more than text."""
    assert page.evaluate(f"window.{FLAG}") is None, "a payload was run"
    made = page.evaluate(
        """() => [...document.querySelectorAll('*')].flatMap(element => [...element.attributes]
            .filter(({name, value}) => name.startsWith('on') || /^\\s*javascript:/i.test(value))
            .filter(({name}) => name !== 'value' && name !== 'title' && !name.startsWith('aria-'))
            .map(({name, value}) => `${element.tagName} ${name}=${value}`))"""
    )
    assert not made, f"a payload became part of the page: {made}"
