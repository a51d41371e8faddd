"""The makes and models of the replica's cars, with ids in AutoScout24's form.

The ids of makes, of BMW's models and of the Fiat 500 are the site's; the others are invented. Body
types are the words of the scene renderer.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarModel:
    """A model: its make, its price when new in euros, its bodies and its fuels.

    `fuels` are the site's letters: D diesel, B petrol, E electric, 2 petrol and electric. Most
    models are a group of their own; `line` is the id of the family, if there is one.
    """

    make: str
    make_id: int
    name: str
    model_id: int
    price: int
    bodies: tuple[str, ...]
    fuels: str = "DB2"
    line: int | None = None
    group: tuple[str, int] | None = None

    @property
    def group_name(self) -> str:
        """The name of its group, such as 3er."""
        return self.group[0] if self.group else self.name

    @property
    def group_id(self) -> int:
        """The id of its group; a group of one model has the id of the model."""
        return self.group[1] if self.group else self.model_id


CAR_MODELS: tuple[CarModel, ...] = (
    CarModel("Fiat", 28, "500", 15160, 19_000, ("hatchback", "convertible"), "B2E"),
    CarModel("BMW", 13, "320", 1641, 48_000, ("sedan", "estate", "coupe"), line=38,
          group=("3er", 100038)),
    CarModel("Ford", 29, "Focus", 1768, 29_000, ("hatchback", "estate", "sedan"), "DB"),
    CarModel("Volkswagen", 74, "Golf", 2084, 31_000, ("hatchback", "estate"), line=160),
    CarModel("Audi", 9, "A4", 1626, 46_000, ("sedan", "estate", "convertible")),
    CarModel("Mercedes-Benz", 47, "C 220", 1701, 50_000, ("sedan", "estate", "coupe"), "D2", 72,
          ("C-Klasse", 100072)),
    CarModel("Fiat", 28, "Panda", 1746, 17_000, ("hatchback",), "B2"),
    CarModel("Ford", 29, "Mustang", 1771, 55_000, ("coupe", "convertible"), "B"),
    CarModel("BMW", 13, "X3", 18387, 58_000, ("suv",), line=44),
    CarModel("BMW", 13, "i4", 75941, 60_000, ("sedan", "coupe"), "E"),
    CarModel("Volkswagen", 74, "Transporter", 74661, 45_000, ("van", "minivan", "pickup"), "D"),
    CarModel("Ford", 29, "Ranger", 1778, 44_000, ("pickup",), "D"),
    CarModel("BMW", 13, "Z4", 18308, 52_000, ("convertible", "coupe"), "B", 45),
    CarModel("Fiat", 28, "Doblo", 15227, 25_000, ("minivan", "van"), "D"),
    CarModel("Land Rover", 15641, "Defender", 15728, 62_000, ("suv", "pickup"), "D2"),
    CarModel("Porsche", 57, "911", 1901, 120_000, ("coupe", "convertible"), "B"),
    CarModel("Ford", 29, "Transit", 1786, 42_000, ("van", "minivan"), "D"),
    CarModel("Audi", 9, "Q5", 19715, 56_000, ("suv",)),
    CarModel("Toyota", 70, "Corolla", 2066, 30_000, ("hatchback", "estate", "sedan"), "2B"),
    CarModel("Skoda", 65, "Octavia", 1999, 33_000, ("estate", "sedan"), "DB"),
    CarModel("Peugeot", 55, "208", 18472, 24_000, ("hatchback",), "BE"),
)  # fmt: skip
"""The most common models first."""

MAKE_NAMES: dict[int, str] = {model.make_id: model.make for model in CAR_MODELS}
