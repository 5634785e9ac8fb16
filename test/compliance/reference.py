"""What the compliance function of MLflow's guide on feedback gives for an answer, for tests to compare with.

Reads JSON from standard input, one answer (a string) or list of answers a line, and writes for each line what the
check must give: {"value": ..., "rationale": "..."}, or a list of those. Needs nothing but Python.

    echo '"Our fund is risk-free."' | python3 reference.py

With --generate it writes the answers that the Go tests are held against, with their results beside them:

    python3 reference.py --generate > ../../processor/feedbackprocessor/internal/check/testdata/compliance.jsonl
"""

import json
import random
import sys

DISCLAIMER = "This is not financial advice"
SHORTEST, LONGEST = 50, 500
PROHIBITED = ["guaranteed returns", "risk-free", "get rich quick"]


def check(answer: str) -> dict:
    disclaimed = DISCLAIMER in answer
    fitting = SHORTEST <= len(answer) <= LONGEST
    lowered = answer.lower()
    found = [term for term in PROHIBITED if term.lower() in lowered]

    reasons = []
    if not disclaimed:
        reasons.append("Missing required disclaimer")
    if not fitting:
        reasons.append(f"Response length {len(answer)} outside acceptable range")
    if found:
        reasons.append(f"Contains prohibited terms: {found}")

    passed = disclaimed + fitting + (not found)
    details = {
        "has_disclaimer": disclaimed,
        "appropriate_length": fitting,
        "contains_prohibited_terms": bool(found),
        "rationale": reasons,
    }
    return {
        "value": {"overall_score": passed / 3, "details": details},
        "rationale": "; ".join(reasons) or "All compliance checks passed",
    }


# Pieces that are hard for one side or the other: case pairs that change their length, letters that only look like
# ASCII in lower case (the Kelvin sign, dotted capital I), sigmas, combining and astral characters, controls.
FILLERS = [
    "a", " ", "The bond pays 4 % a year. ", "Ä", "ß", "ẞ", "İ", "ı", "K", "ſ", "Σ", "ς", "ΟΔΟΣ ", "Ⱥ", "ǅ", "ﬁ",
    "e\u0301", "\u0301", "\u200d", "\u00ad", "–", "’", "…", "財", "금", "ก", "א", "😀", "👩‍👩‍👧", "𝐀", "𐐀", "𞤀",
    "\n", "\t", "\r\n", "\u0000", "\u0085", "\u2028", "\ufeff", "\uffff", "\\", '"', "'", "{{.Found}}", "<b>",
]
NEAR_TERMS = [
    "guaranteed  returns", "guaranteed\u00a0returns", "guaranteed-returns", "risk\u2011free", "risk free", "RİSK-FREE",
    "rısk-free", "ris\u212a-free", "RIS\u212a-FREE", "riſk-free", "get rich\u200dquick", "get rich quic\u212a",
    "ge\u0301t rich quick", "GUARANTEED RETURN", "this is not financial advice", "This is not  financial advice",
    "THIS IS NOT FINANCIAL ADVICE", "This is not financial advic",
]


def any_case(draw: random.Random, term: str) -> str:
    return draw.choice([term, term.upper(), term.title(), "".join(draw.choice([c, c.upper()]) for c in term)])


def to_length(draw: random.Random, answer: str, length: int) -> str:
    """Cuts or fills to a number of code points; a prefix keeps the pieces that matter in most answers."""
    while len(answer) < length:
        answer += draw.choice(FILLERS)
    return answer[:length]


def generate() -> list[str]:
    draw = random.Random(20260101)
    answers = ["", " ", DISCLAIMER, *PROHIBITED, *(term.upper() for term in PROHIBITED), "".join(FILLERS)]
    for length in [1, 48, 49, 50, 51, 499, 500, 501, 502, 2000]:
        for filler in ["a", "Z", "ä", "é", "İ", "K", "Σ", "財", "😀", "e\u0301"]:
            answers.append((filler * length)[:length])
            answers.append(to_length(draw, DISCLAIMER + ". ", length))
    for _ in range(250):
        pieces = draw.choices(FILLERS, k=draw.randint(0, 40))
        pieces += [any_case(draw, term) for term in PROHIBITED if draw.random() < 0.3]
        pieces += draw.choices(NEAR_TERMS, k=draw.randint(0, 2))
        draw.shuffle(pieces)
        if draw.random() < 0.6:
            pieces.insert(draw.randint(0, len(pieces)), DISCLAIMER)
        answer = "".join(pieces)
        if draw.random() < 0.5:
            answer = to_length(draw, answer, draw.choice([49, 50, 51, 499, 500, 501]))
        answers.append(answer)
    return answers


def write(result: object) -> None:
    print(json.dumps(result, ensure_ascii=False, separators=(",", ":")))


def main() -> None:
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    if sys.argv[1:] == ["--generate"]:
        for answer in generate():
            write({"answer": answer} | check(answer))
        return
    for line in sys.stdin:
        given = json.loads(line)
        write([check(answer) for answer in given] if isinstance(given, list) else check(given))


if __name__ == "__main__":
    main()
