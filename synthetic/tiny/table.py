"""The table of marque-tiny's card: what was measured, what was wanted, and whether it is reached.

Pure: numbers in, Markdown out.
"""

from dataclasses import dataclass

WANTED = {"color": 0.95, "body_type": 0.90, "background": 0.97, "view": 0.99}
"""The least accuracy of each attribute, zero-shot."""

WANTED_PEOPLE = 0.75
"""The least mean, over photos with and without them, of each kind and age of people."""

WANTED_PRECISION = 0.90
"""The least share of right photos among the first ten answers."""

LIMITS = {"body_type": 0.70, "background": 0.70}
"""What colors alone must stay under: above it the scenes give an attribute away."""

HEAD = ("what", "score", "wanted", "reached", "combinations in training", "combinations withheld",
        "wordings withheld", "colors alone", "limit", "stays under")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """One row: a number, the least that was wanted, and the controls, None where there is none.

    `seen` and `withheld` are the score over combinations of color, body type and background that
    training had and had not; `reworded` is the score with wordings that training never had;
    `colors_alone` is what a classifier of color histograms reaches, `limit` its highest bound.
    """

    what: str
    value: float
    wanted: float | None = None
    seen: float | None = None
    withheld: float | None = None
    reworded: float | None = None
    colors_alone: float | None = None
    limit: float | None = None

    @property
    def reached(self) -> bool:
        """Whether nothing was wanted, or the score is at least that."""
        return self.wanted is None or self.value >= self.wanted

    @property
    def stays_under(self) -> bool:
        """Whether there is no limit, or colors alone stay under it."""
        return self.limit is None or self.colors_alone is None or self.colors_alone < self.limit


def table(scores: list[Score]) -> str:
    """The scores as a Markdown table, and below it in bold whether everything is reached."""
    lines = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for score in scores:
        reached = _word(score.reached) if score.wanted is not None else "-"
        under = _word(score.stays_under) if score.limit is not None else "-"
        cells = (
            score.what, _number(score.value), _bound(score.wanted), reached, _number(score.seen),
            _number(score.withheld), _number(score.reworded), _number(score.colors_alone),
            _bound(score.limit), under,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"**{verdict(scores)}**"])


def verdict(scores: list[Score]) -> str:
    """One sentence: everything is reached, or what is not, with its numbers."""
    missed = [f"{s.what} {s.value:.4f} (wanted: {s.wanted})" for s in scores if not s.reached]
    missed += [
        f"{s.what} from colors alone {s.colors_alone:.4f} (limit: {s.limit})"
        for s in scores
        if not s.stays_under
    ]
    if missed:
        return f"Not reached: {'; '.join(missed)}."
    return "Every wanted number is reached, and colors alone stay under their limits."


def _word(good: bool) -> str:
    return "yes" if good else "NO"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _bound(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
