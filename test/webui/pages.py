"""MLflow's pages, and what a person does there by clicking and typing."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

# Names that MLflow's own widgets carry for its telemetry; buttons that are only an icon have no other.
EXPLORER = "shared.model-trace-explorer."
TOGGLE = f'[data-component-id^="{EXPLORER}toggle-"][data-component-id$="-expanded"]'


def load(page: Page, url: str) -> None:
    """Opens a page afresh: where only the part behind the # differs, the browser would load nothing."""
    page.goto("about:blank")
    page.goto(url)


@dataclass(frozen=True)
class Traces:
    """The list of an experiment's traces, and the trace that was opened from it."""

    page: Page
    url: str
    experiment: str

    def open(self) -> None:
        load(self.page, f"{self.url}/#/experiments/{self.experiment}/traces")

    def row(self, trace: str) -> Locator:
        return self.page.get_by_role("row").filter(
            has=self.page.get_by_role("link", name=f"Open trace {trace} — input")
        )

    def open_trace(self, trace: str) -> "Assessments":
        self.row(trace).get_by_role("link", name="— input").click()
        self.page.get_by_role("button", name="Assess trace").click()
        assessments = Assessments(self.page)
        expect(assessments.pane).to_be_visible()
        return assessments

    def flag(self, queue: str) -> None:
        """Puts the opened trace into a review queue."""
        self.page.get_by_role("button", name="Flag for review").click()
        with self.page.expect_response(lambda response: response.url.endswith("/review-queues/items/add")):
            self.page.get_by_role("option", name=queue).click()

    def close_trace(self) -> None:
        self.page.get_by_role("button", name="Close trace panel").click()
        expect(self.page.get_by_role("button", name="Close trace panel")).to_be_hidden()


@dataclass(frozen=True)
class Assessments:
    """The pane beside an opened trace with a box for each name; opened, a box shows who said it and why."""

    page: Page

    @property
    def pane(self) -> Locator:
        return self.page.get_by_test_id("assessments-pane")

    def of_span(self, name: str) -> None:
        """Turns to the assessments of a span; those of the root are the whole trace's."""
        self.page.get_by_role("dialog").get_by_text(name, exact=True).first.click()

    def box(self, name: str) -> Locator:
        boxes = self.pane.locator("> div").filter(has=self.page.locator(TOGGLE))
        return boxes.filter(has=self.page.get_by_text(name, exact=True))

    def expect_value(self, name: str, value: str) -> None:
        expect(self.box(name).get_by_role("status").filter(has_text=value).first).to_be_visible()

    def add_feedback(self, name: str, value: bool | str, rationale: str) -> None:
        self._widget("add-feedback").filter(has_text="Add feedback").click()
        self.page.get_by_role("menuitem", name="Human feedback").click()
        self._create(name, value, rationale)

    def add_expectation(self, name: str, value: str) -> None:
        self._widget("add-expectation").click()
        self._create(name, value, "")

    def _create(self, name: str, value: bool | str, rationale: str) -> None:
        self._widget("assessment-name-typeahead.input").fill(name)
        if isinstance(value, str):
            self._widget("assessment-data-type-select").click()
            self.page.get_by_role("option", name="String").click()
        self._enter("assessment", value, rationale)
        self._widget("assessment-create-button").filter(has_text="Create").click()
        expect(self._widget("assessment-create-button").first).to_be_hidden()

    def edit(self, name: str, value: bool | str, rationale: str) -> None:
        self.choose(name, "Edit")
        self._enter("assessment-edit", value, rationale)
        self._widget("assessment-edit-save-button").click()
        expect(self._widget("assessment-edit-save-button")).to_be_hidden()

    def delete(self, name: str) -> None:
        self.choose(name, "Delete")
        question = self.page.get_by_role("dialog", name="Delete assessment")
        question.get_by_role("button", name="Delete").click()
        expect(question).to_be_hidden()

    def choose(self, name: str, item: str) -> None:
        self._menu(name)
        self.page.get_by_role("menuitem", name=item).click()

    def offered(self, name: str) -> list[str]:
        """Returns what the menu of an assessment offers."""
        self._menu(name)
        items = self.page.get_by_role("menuitem")
        expect(items.filter(has_text="Delete")).to_be_visible()
        texts = items.all_text_contents()
        self.page.keyboard.press("Escape")
        expect(items.first).to_be_hidden()
        return texts

    def _menu(self, name: str) -> None:
        self.expand(name)
        self._widget("assessment-more-button", self.box(name)).click()

    def expand(self, name: str) -> Locator:
        """Opens a box, where it is not open."""
        box = self.box(name)
        expect(box).to_be_visible()
        if not self._widget("assessment-more-button", box).count():
            box.locator(TOGGLE).click()
        return box

    def expand_all(self) -> None:
        for toggle in self.pane.locator(TOGGLE).all():
            toggle.click()

    def note(self, text: str) -> None:
        self._widget("assessment-notes-input").fill(text)
        self._widget("assessment-notes-save").click()
        expect(self._widget("assessment-notes-save")).to_be_disabled()

    def expect_note(self, text: str) -> None:
        expect(self._widget("assessment-notes-input")).to_have_value(text)

    def _enter(self, form: str, value: bool | str, rationale: str) -> None:
        if isinstance(value, str):
            self._widget(f"{form}-value-string-input").fill(value)
        else:
            self._widget(f"{form}-value-boolean-input").get_by_text(str(value)).click()
        if rationale:
            self._widget(f"{form}-rationale-input").fill(rationale)

    def _widget(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.pane).locator(f'[data-component-id="{EXPLORER}{name}"]')


@dataclass(frozen=True)
class Review:
    """The page of review queues."""

    page: Page
    url: str
    experiment: str

    def open(self) -> None:
        load(self.page, f"{self.url}/#/experiments/{self.experiment}/review-queue")

    def new_queue(self, name: str, question: str) -> None:
        """Makes a queue with one new question, to be answered by pass or fail."""
        self.page.get_by_role("button", name="New queue").first.click()
        queue = self.page.get_by_role("dialog", name="New review queue")
        queue.get_by_role("textbox", name="Name").fill(name)
        queue.get_by_role("combobox", name="Select or create questions").click()
        self.page.get_by_role("listbox").get_by_text("New question").click()
        form = self.page.get_by_role("dialog", name="Add question")
        form.get_by_role("textbox", name="Question for reviewer").fill(question)
        form.get_by_role("checkbox", name="Allow rationale").check()
        form.get_by_role("button", name="Create").click()
        expect(form).to_be_hidden()
        queue.get_by_role("button", name="Create").click()
        expect(queue).to_be_hidden()

    def choose(self, queue: str) -> None:
        self.page.get_by_role("button", name=queue).click()
        expect(self.page.get_by_role("heading", name=queue)).to_be_visible()

    def expect_status(self, asked: str, status: str) -> None:
        """Wants the trace with that request in that state."""
        expect(self._row(asked).get_by_role("status")).to_have_text(status)

    def start(self) -> None:
        self.page.get_by_role("button", name="Start review").click()
        expect(self.page.get_by_role("button", name="Exit review")).to_be_visible()

    def choose_trace(self, asked: str) -> None:
        self._row(asked).get_by_role("cell", name=asked).click()
        expect(self.page.get_by_role("button", name="Exit review")).to_be_visible()

    def _row(self, asked: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=asked)

    def answer(self, label: str, rationale: str, then: str = "Submit") -> None:
        self.page.get_by_role("radiogroup").get_by_text(label).click()
        self.page.get_by_role("textbox", name="Rationale (optional)").fill(rationale)
        self.page.get_by_role("button", name=then).click()

    def expect_answer(self, label: str, rationale: str) -> None:
        """Wants an earlier answer to be shown."""
        expect(self.page.get_by_role("radio", name=label)).to_be_checked()
        expect(self.page.get_by_role("textbox", name="Rationale (optional)")).to_have_value(rationale)
