"""What a user who mistyped a name may have meant."""

import difflib
from collections.abc import Sequence


def nearest(word: str, known: Sequence[str]) -> str:
    """``did you mean "x"?`` for the known word most like ``word``, else the list of known words."""
    alike = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f'did you mean "{alike[0]}"?' if alike else "known: " + ", ".join(known)
