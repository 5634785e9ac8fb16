"""Plays the same random sequences of client calls on a real MLflow (--a) and on the endpoint (--b), and says where the
answers differ. With --behind, the MLflow behind the endpoint must come to hold what the endpoint answers.

    python3 sequences.py --a http://127.0.0.1:5000 --b http://127.0.0.1:4329 --behind http://127.0.0.1:5001

One seed again, with every call printed:

    python3 sequences.py --a … --b … --seed 7 --seeds 1 --verbose
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest

from play import Job, play
from showing import parting
from transcript import Record, Transcript


@dataclass(frozen=True)
class Known:
    """A difference that is meant: what it is, why, and which answers show it."""

    reason: str
    shown_by: Callable[[Record, Record], bool]


KNOWN = [
    Known(
        "a path that is no assessment's is refused by both; MLflow's page of HTML and our JSON make another exception",
        lambda a, b: all('"ENDPOINT_NOT_FOUND"' in record.answer for record in (a, b)),
    ),
    Known(
        "the endpoint refuses paths that one server may read in another way than the next: encoded slashes, empty parts",
        lambda a, b: "The path is not a plain one" in b.answer and '"raised"' in a.answer,
    ),
    Known(
        "MLflow breaks over an update of an issue reference with 500, which its client repeats for minutes; we refuse it",
        lambda a, b: (
            a.call.startswith("update(")
            and '"INTERNAL_ERROR"' in a.answer
            and "INVALID_PARAMETER_VALUE: An issue reference cannot be updated" in b.answer
        ),
    ),
]


def compare(a: Transcript, b: Transcript) -> tuple[list[str], int]:
    """Returns what differs, and how many known differences there are."""
    found, known = [], 0
    for left, right in zip_longest(a.records, b.records):
        if left is None or right is None:
            found.append(f"seed {a.seed}: {len(a.records)} calls on A, {len(b.records)} on B")
            break
        if left.answer == right.answer:
            continue
        if any(k.shown_by(left, right) for k in KNOWN):
            known += 1
            continue
        found.append(f"seed {a.seed}, call {left.number}: {left.call}\n{parting(left.answer, right.answer)}")
    if b.unsettled:
        found.append(f"seed {a.seed}, in the end: {b.unsettled}")
    for name, end in (("B", b.state), ("MLflow behind B", b.behind)):
        if end is None:
            continue
        for trace in sorted(a.state.keys() | end.keys()):
            ours, theirs = a.state.get(trace, '"nothing"'), end.get(trace, '"nothing"')
            if ours != theirs:
                found.append(f"seed {a.seed}, in the end on A and on {name}: {trace}\n{parting(ours, theirs)}")
    return found, known


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", required=True, help="URL of a real MLflow")
    parser.add_argument("--b", required=True, help="URL of the endpoint")
    parser.add_argument("--behind", help="URL of the MLflow behind the endpoint")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--calls", type=int, default=120, help="calls of each seed")
    parser.add_argument("--threads", type=int, default=4, help="seeds played at the same time on each server")
    parser.add_argument(
        "--show", type=int, default=4, help="differences shown of each seed: later ones often follow from the first"
    )
    parser.add_argument("--verbose", action="store_true", help="print every call and answer")
    options = parser.parse_args()

    seeds = tuple(range(options.seed, options.seed + options.seeds))
    now_ms = time.time_ns() // 1_000_000
    jobs = [
        Job(url, behind, seeds, options.calls, now_ms, options.threads)
        for url, behind in ((options.a, None), (options.b, options.behind))
    ]
    started = time.monotonic()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        on_a, on_b = pool.map(play, jobs)

    differences = known = calls = raised = 0
    for a, b in zip(on_a, on_b, strict=True):
        if options.verbose:
            for left, right in zip(a.records, b.records, strict=False):
                print(f"{left.number:4} {left.call}\n     A: {left.answer[:1000]}")
                if left.answer != right.answer:
                    print(f"     B: {right.answer[:1000]}")
        found, excused = compare(a, b)
        calls, known, differences = calls + len(b.records), known + excused, differences + len(found)
        raised += sum('"raised"' in record.answer for record in b.records)
        for text in found[: options.show]:
            print(text)
        if len(found) > options.show:
            print(f"seed {a.seed}: {len(found) - options.show} more differences")
    print(
        f"{calls} calls of {len(seeds)} seeds, {raised} of them refused; {differences} differences, "
        f"{known} known ones; {time.monotonic() - started:.0f} s"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
