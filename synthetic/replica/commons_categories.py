"""The categories of the replica's Commons: makes, models and parts, as a graph with a loop and with
branches that have no cars."""

from dataclasses import dataclass

ROOT = "Automobiles by brand"
CATEGORY_COLORS = ("black", "white", "silver", "grey", "blue", "red", "green", "yellow")


@dataclass(frozen=True, slots=True)
class IllustratedCar:
    """A make and model that the renderer can show, its bodies, and the first years of its
    generations."""

    make: str
    model: str
    bodies: tuple[str, ...]
    years: tuple[int, int]

    @property
    def name(self) -> str:
        """Make and model; the car's category has the same name."""
        return f"{self.make} {self.model}"

    def generation(self, year: int) -> str:
        """The category of the cars built in a year: the first ten years are one generation."""
        which = "First" if year < self.years[0] + 10 else "Second"
        return f"{which} generation {self.name}"


CARS = (
    IllustratedCar("Ford", "Mustang", ("coupe", "convertible"), (1964, 1982)),
    IllustratedCar("Ford", "F-150", ("pickup",), (1975, 1990)),
    IllustratedCar("Fiat", "500", ("hatchback", "convertible"), (2007, 2024)),
    IllustratedCar("Volkswagen", "Golf", ("hatchback", "estate", "convertible"), (1974, 1991)),
    IllustratedCar("Volkswagen", "Transporter", ("van", "minivan"), (1990, 2014)),
    IllustratedCar("BMW", "3 Series", ("sedan", "estate", "coupe"), (1990, 2011)),
    IllustratedCar("Toyota", "RAV4", ("suv",), (1994, 2012)),
    IllustratedCar("Citroën", "Berlingo", ("minivan", "van"), (1996, 2018)),
)


ITEM_IDS = {car.name: f"Q{990_000_001 + number}" for number, car in enumerate(CARS)}
"""The names of the Wikidata items that files depict -> their ids, which are unused ones."""


def category_graph() -> dict[str, tuple[str, ...]]:
    """Every category with its parents.

    "Ford Mustang by color" is both below and above "Ford Mustang", so a walk without a visited set
    never ends. Logos, model cars, engines and museums are below each model.
    """
    graph: dict[str, tuple[str, ...]] = {ROOT: ()}
    for car in CARS:
        make, name = car.make, car.name
        by_color = f"{name} by color"
        graph[f"{make} vehicles"] = (ROOT,)
        graph[name] = (f"{make} vehicles", by_color)
        graph[by_color] = (name,)
        graph |= {car.generation(year): (name,) for year in car.years}
        graph |= {f"{color.capitalize()} {name}": (by_color,) for color in CATEGORY_COLORS}
        graph |= {f"{name} logos": (name,), f"Model cars of {name}": (name,)}
        for part in (f"{make} engines", f"{make} museum"):
            graph[part] = (*graph.get(part, (f"{make} vehicles",)), name)
    return graph
