from catalog.schema import cars_schema
from core.vocabulary import RESERVED_COLUMNS, load_vocabulary
from core.vocabulary_file import DERIVED_SUFFIXES


def test_no_attribute_can_take_the_name_of_another_column() -> None:
    vocabulary = load_vocabulary()
    taken = {name for name in cars_schema(vocabulary).names if not name.endswith(DERIVED_SUFFIXES)}
    assert taken - set(vocabulary.attributes) == RESERVED_COLUMNS - {"semantic"}
