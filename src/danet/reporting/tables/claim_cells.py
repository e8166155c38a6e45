"""The small table of the paper's claims, as text."""

from collections.abc import Sequence

from danet.reporting.tables.cells import DASH, Cell, Difference, interval_text, text
from danet.reporting.tables.claims import ReadClaim

CLAIM_HEADINGS = ("Claim", "Paper", "Ours", "95 % interval", "Verdict")


def claim_cells(claims: Sequence[ReadClaim], decimals: int) -> list[list[Cell]]:
    """A row for each claim, with the headings of ``CLAIM_HEADINGS``."""
    return [
        [
            Cell(claim.words),
            Cell(text(Difference(claim.paper), decimals)),
            Cell(text(Difference(claim.ours), decimals)),
            Cell(interval_text(*claim.interval, decimals) if claim.interval else DASH),
            Cell(claim.outcome),
        ]
        for claim in claims
    ]
