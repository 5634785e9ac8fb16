"""Chromium without a screen, and a watch over what goes wrong in it."""

import contextlib
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Response, expect, sync_playwright

FLAGS = [
    "--no-sandbox",  # it has none to offer to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Milliseconds that anything in the page may take.
WITHIN = 15_000
# On a first visit MLflow opens hints, in windows above the page.
BEEN_HERE = """try {
    const hints = ["detectIssues.guidanceShown", "flagForReview.guidanceShown", "assistant.fab.autoOpenedOnFirstLoad"];
    for (const hint of hints)
        localStorage.setItem(`mlflow.${hint}_v1`, "true");
} catch { /* not of this server: about:blank has no storage */ }"""

# The page asks these of every server; an MLflow without its own authentication has none of them.
ABSENT = ("/ajax-api/2.0/mlflow/users/current", "/ajax-api/2.0/mlflow/users/list")
# Chromium's own notes, of which the page is not to blame: a refused request is counted as a response already.
HARMLESS = re.compile(r"ResizeObserver loop|^Failed to load resource")
# What stands for one thing among many in a path.
IDS = re.compile(r"\b(tr|a|rq|ls)-[0-9a-f]{32}\b")


@dataclass
class Watch:
    """What happened in the browser beside what was wanted."""

    origin: str
    problems: list[str] = field(default_factory=list)
    # Requests of the page to the server's API, ids replaced.
    requests: Counter[str] = field(default_factory=Counter)
    # Hosts that the page wanted to reach beside the server; it cannot.
    foreign: set[str] = field(default_factory=set)

    def over(self, context: BrowserContext) -> None:
        context.on("request", self._asked)
        context.on("response", self._responded)
        context.on("requestfailed", self._failed)
        context.on("console", self._said)
        context.on("dialog", self._opened)
        context.on("weberror", lambda error: self._complained(str(error.error)))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.foreign.add(urllib.parse.urlsplit(request.url).netloc)

    def _responded(self, response: Response) -> None:
        method, path = response.request.method, urllib.parse.urlsplit(response.url).path
        if "api/" in path:
            one = IDS.sub(r"\1-…", path)
            self.requests[f"{method} {one}"] += 1
        # A browser learns that it has to sign in from a first refusal.
        challenged = response.status == 401 and "www-authenticate" in response.headers
        absent = method == "GET" and path.endswith(ABSENT)
        if response.status >= 400 and not challenged and not absent:
            self.problems.append(f"{method} {response.url} was answered {response.status}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends its requests.
        if request.url.startswith(self.origin) and request.failure != "net::ERR_ABORTED":
            self.problems.append(f"{request.method} {request.url} failed: {request.failure}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complained(message.text)

    def _complained(self, text: str) -> None:
        if not HARMLESS.search(text):
            self.problems.append(f"the page complained: {text}")

    def _opened(self, dialog: Dialog) -> None:
        self.problems.append(f"a dialog opened: {dialog.type} {dialog.message!r}")
        dialog.dismiss()


@contextlib.contextmanager
def opened(executable: str, origin: str, user: str = "", password: str = "") -> Iterator[tuple[Page, Watch]]:
    """Starts Chromium with an empty profile and gives it one page; a user signs in when asked to."""
    with sync_playwright() as playwright:
        host = urllib.parse.urlsplit(origin).hostname
        only = f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host}"
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, only])
        try:
            context = browser.new_context(
                viewport={"width": 1600, "height": 1000},
                http_credentials={"username": user, "password": password, "origin": origin} if user else None,
                ignore_https_errors=True,
            )
            context.set_default_timeout(WITHIN)
            context.add_init_script(BEEN_HERE)
            expect.set_options(timeout=WITHIN)
            watch = Watch(origin)
            watch.over(context)
            page = context.new_page()
            yield page, watch
        finally:
            browser.close()
