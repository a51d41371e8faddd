"""The table of marque-tiny's card: measured and wanted numbers, and whether they are reached."""

from dataclasses import dataclass

WANTED = {"color": 0.95, "body_type": 0.90, "background": 0.97, "view": 0.99}
"""The least accuracy of each attribute, zero-shot."""

WANTED_PEOPLE = 0.75
"""The least mean, over photos with and without them, of each kind and age of people."""

WANTED_PRECISION = 0.90
"""The least share of right photos among the first ten answers."""

LIMITS = {"body_type": 0.70, "background": 0.70}
"""The bound for a classifier of colors alone; above it colors give the attribute away."""

TABLE_HEAD = (
    "what", "score", "wanted", "reached", "combinations in training", "combinations withheld",
    "wordings withheld", "colors alone", "limit", "stays under",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """A row of the table: a number, the least wanted one, and controls; None where there is none.

    `seen` and `withheld` are the scores over combinations of color, body type and background that
    training had, and had not; `reworded` is the score with wordings that training never had;
    `colors_alone` is the score of a classifier of color histograms, and `limit` its bound.
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


def score_table(scores: list[Score]) -> str:
    """The scores as a Markdown table, and below it in bold whether everything is reached."""
    lines = [f"| {' | '.join(TABLE_HEAD)} |", "|---" * len(TABLE_HEAD) + "|"]
    for score in scores:
        reached = "-" if score.wanted is None else "yes" if score.reached else "NO"
        under = "-" if score.limit is None else "yes" if score.stays_under else "NO"
        cells = (
            score.what, _cell(score.value), _cell(score.wanted, 2), reached, _cell(score.seen),
            _cell(score.withheld), _cell(score.reworded), _cell(score.colors_alone),
            _cell(score.limit, 2), under,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    missed = [f"{s.what} {s.value:.4f} (wanted: {s.wanted})" for s in scores if not s.reached]
    missed += [
        f"{s.what} from colors alone {s.colors_alone:.4f} (limit: {s.limit})"
        for s in scores
        if not s.stays_under
    ]
    verdict = "Every wanted number is reached, and colors alone stay under their limits."
    if missed:
        verdict = f"Not reached: {'; '.join(missed)}."
    return "\n".join([*lines, "", f"**{verdict}**"])


def _cell(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
