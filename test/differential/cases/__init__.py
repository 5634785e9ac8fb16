"""The raw requests of raw.py."""

from .case import Case
from .changing import changing
from .creating import creating
from .reaching import reaching

__all__ = ["Case", "all_cases"]


def all_cases() -> list[Case]:
    """Returns every case; names are unique."""
    cases = [*creating(), *changing(), *reaching()]
    names = [case.name for case in cases]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
    return cases
