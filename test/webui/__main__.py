"""Works in MLflow's web page as a person does, with a real Chromium, through the endpoint, and checks after each step
that the page, the endpoint, MLflow and Redis agree. On MLflow alone (both URLs the same) it tries the test itself:

    python test/webui --base-url http://localhost:5000 --screenshots /tmp/screenshots

Prints a report as JSON: the steps with their seconds, and what the page asked of the server.
"""

import argparse
import json
import shutil
import sys
import time
import urllib.parse
from pathlib import Path

import feedback
import inert
import review
from browser import opened
from servers import Server, Sides
from visit import Visit

SCENES = {"feedback": feedback.scene, "own-queue": review.own, "ruled-queue": review.ruled, "inert": inert.scene}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="test/webui", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", default=list(SCENES), help=f"which of {', '.join(SCENES)}; default all")
    parser.add_argument("--base-url", required=True, help="where the page is opened: the endpoint")
    parser.add_argument("--mlflow", help="MLflow itself; default the base URL")
    parser.add_argument("--otlp", help="where spans are sent: the collector's receiver; default MLflow")
    parser.add_argument("--experiment", help="where the spans end up; default a new one")
    parser.add_argument("--user", default="", help="name:password of who signs in at the endpoint; default nobody")
    parser.add_argument("--check", default="", help="a check of the collector that the exchange fails")
    parser.add_argument("--queue", default="", help="the review queue that a rule puts such traces into")
    parser.add_argument("--screenshots", type=Path, help="a directory for one picture a step; default none")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser's command")
    args = parser.parse_args()
    if not args.chromium:
        parser.error("no chromium found: install it, or give --chromium")

    user, _, password = args.user.partition(":")
    front = Server(args.base_url.rstrip("/"), user, password)
    back = Server((args.mlflow or args.base_url).rstrip("/"))
    experiment = args.experiment or back.new_experiment(f"web page {time.time_ns()}")
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)

    address = urllib.parse.urlsplit(front.url)
    with opened(args.chromium, f"{address.scheme}://{address.netloc}", user, password) as (page, watch):
        otlp = Server(args.otlp.rstrip("/")) if args.otlp else back
        visit = Visit(Sides(front, back), page, watch, experiment, otlp, args.screenshots, args.check, args.queue)
        started = time.monotonic()
        try:
            for scene in args.scenes:
                SCENES[scene](visit)
        finally:
            report = {
                "steps": visit.steps,
                "seconds": round(time.monotonic() - started, 1),
                "problems": watch.problems,
                "foreign": sorted(watch.foreign),
                "requests": dict(sorted(watch.requests.items())),
            }
            json.dump(report, sys.stdout, indent=2)
            print()
    return 1 if watch.problems else 0


if __name__ == "__main__":
    sys.exit(main())
