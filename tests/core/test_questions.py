"""How the vocabulary says that networks are asked, and how a user's file adds to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.vocabulary import Vocabulary, VocabularyError, load_vocabulary

VOCABULARY = load_vocabulary()
Users = Callable[[str], Vocabulary]


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """The vocabulary with what a user's file adds to it."""

    def load(text: str) -> Vocabulary:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return load_vocabulary(path)

    return load


def test_each_attribute_is_asked_as_the_file_says() -> None:
    asked = {name: bool(each.templates) for name, each in VOCABULARY.questions.items()}
    assert asked == {
        "make": True, "model": False, "model_year": False, "first_registration": False,
        "body_type": True, "color": True, "background": True, "view": True, "people": True,
        "age": True,
    }  # fmt: skip


def test_every_template_has_one_place_and_every_value_a_phrase() -> None:
    for name, question in VOCABULARY.questions.items():
        for template in (*question.templates, *question.without):
            assert template.count("{}") == 1
            assert "red" in template.format("red")
        assert bool(question.without) == VOCABULARY.attributes[name].many
        for phrases in question.phrases.values():
            assert phrases
            assert all(phrase.strip() for phrase in phrases)
        never = {"other"} if name in ("body_type", "background") else set()
        if VOCABULARY.attributes[name].kind == "closed":
            assert {*VOCABULARY.attributes[name].values} - {*question.phrases} == never


def test_a_value_stands_for_itself_where_nothing_else_does() -> None:
    question = VOCABULARY.questions["color"]
    assert question.phrases["red"] == ("red",)
    assert question.phrases["grey"] == ("grey", "gray")


def test_what_makes_sense_depends_on_the_view() -> None:
    sensible = {
        view: {n for n, q in VOCABULARY.questions.items() if q.templates and q.makes_sense(view)}
        for view in (*VOCABULARY.attributes["view"].values, None)
    }
    every = {"make", "body_type", "color", "background", "view", "people", "age"}
    assert sensible == {
        "exterior": every,
        "interior": {"view", "people", "age"},
        "detail": {"view", "color"},
        "not_a_car": {"view"},
        None: every,
    }


def test_a_closed_attribute_of_a_user_is_asked_without_further_ado(users: Users) -> None:
    question = users(
        """
        [attributes.condition]
        kind = "closed"
        words = {like_new = [], "worn out" = []}
        """
    ).questions["condition"]
    assert question.templates == ("a photo of a car, {}",)
    assert question.without == ()
    assert question.phrases == {"like_new": ("like new",), "worn out": ("worn out",)}
    assert question.views == ()
    assert question.makes_sense("not_a_car")
    assert question.swatches == {}


def test_one_with_several_values_at_once_is_asked_both_ways(users: Users) -> None:
    question = users(
        """
        [attributes.damage]
        kind = "closed"
        many = true
        words = {dent = [], scratch = []}
        """
    ).questions["damage"]
    assert question.templates == ("a photo of a car, {}",)
    assert question.without == ("a photo of a car, no {}",)


def test_other_attributes_of_a_user_are_not_asked_unless_they_say_how(users: Users) -> None:
    more = users(
        """
        [attributes.doors]
        kind = "number"
        range = [1, 9]
        [attributes.trim]
        kind = "open"
        [attributes.series]
        kind = "open"
        templates = ["a {} car"]
        words = {sport = []}
        """
    )
    assert more.questions["doors"].templates == ()
    assert more.questions["trim"].templates == ()
    assert more.questions["series"].templates == ("a {} car",)
    assert more.questions["series"].phrases == {"sport": ("sport",)}


def test_no_templates_ask_nothing(users: Users) -> None:
    more = users(
        """
        [attributes.owner]
        kind = "closed"
        templates = []
        words = {first = [], second = []}
        """
    )
    assert more.questions["owner"].templates == ()


def test_a_users_file_adds_to_how_it_is_asked(users: Users) -> None:
    more = users(
        """
        [attributes.color]
        templates = ["paint in {}"]
        views = ["interior", "exterior"]
        words = {mint = []}
        prompts = {grey = ["slate"], red = ["red", "crimson"], mint = []}
        swatches = {red = ["#FF0000", "#a01010"]}
        [attributes.people]
        without = ["nobody, no {}"]
        """
    )
    old, new = VOCABULARY.questions["color"], more.questions["color"]
    assert new.templates == (*old.templates, "paint in {}")
    assert new.views == ("exterior", "detail", "interior")
    assert new.phrases["grey"] == ("grey", "gray", "slate")
    assert new.phrases["red"] == ("red", "crimson")
    assert "mint" not in new.phrases
    assert "mint" in more.attributes["color"].values
    assert new.swatches["red"] == (*old.swatches.get("red", ()), (255, 0, 0), (160, 16, 16))
    assert more.questions["people"].without == (
        *VOCABULARY.questions["people"].without, "nobody, no {}",
    )  # fmt: skip
    for name in set(VOCABULARY.questions) - {"color", "people"}:
        assert more.questions[name] == VOCABULARY.questions[name]


def test_how_networks_are_asked_changes_no_meaning(users: Users) -> None:
    more = users('[attributes.color]\ntemplates = ["a car, {}"]\nprompts = {red = ["ruby"]}')
    assert more.version == VOCABULARY.version
    assert more.lookup("color", "ruby") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[attributes.color]\ntemplates = ["a car"]', r"'a car' must have \{\} once"),
        ('[attributes.color]\ntemplates = ["{} {}"]', r"'\{\} \{\}' must have \{\} once"),
        ('[attributes.people]\nwithout = ["nobody"]', r"'nobody' must have \{\} once"),
        ('[attributes.color]\ntemplates = ["a {nice} {}"]', r"must have \{\} once"),
        ('[attributes.color]\ntemplates = ["a { {}"]', r"must have \{\} once"),
        ('[attributes.color]\ntemplates = ["a {} {x} car"]', "where the value goes, and no other"),
        ('[attributes.color]\ntemplates = ["a {{}} car"]', "where the value goes, and no other"),
        ('[attributes.people]\nwithout = ["no {} }"]', "where the value goes, and no other"),
        ('[attributes.color]\nprompts = {red = [""]}', "a prompt of 'red' is blank"),
        ('[attributes.color]\nprompts = {red = ["ruby", "  "]}', "a prompt of 'red' is blank"),
        ('[attributes.color]\ntemplates = "a {}"', "attributes.color.templates: .*list"),
        (
            '[attributes.color]\nswatches = {red = ["red"]}',
            "'red' is not a color; write it as #rrggbb",
        ),
        ('[attributes.color]\nswatches = {red = ["#ff00"]}', "'#ff00' is not a color"),
        (
            '[attributes.color]\nswatches = {mauve = ["#ff00ff"]}',
            "color: .*'mauve' is not one of them: add it",
        ),
        (
            '[attributes.color]\nprompts = {mauve = ["mauve"]}',
            "color: .*'mauve' is not one of them: add it",
        ),
        ('[attributes.color]\nviews = ["inside"]', "color: views names 'inside'; there are ext"),
        ('[attributes.color]\nwithout = ["no {}"]', "color: without is for .* many = true"),
        (
            '[attributes.damage]\nkind = "closed"\nmany = true\ntemplates = ["{}"]\n'
            "words = {dent = []}",
            "damage: .* templates also needs without",
        ),
        (
            '[attributes.doors]\nkind = "number"\nrange = [1, 9]\nprompts = {two = ["two doors"]}',
            "doors",
        ),
        (
            '[attributes.doors]\nkind = "number"\nrange = [1, 9]\ntemplates = ["a car, {} doors"]',
            "doors.*number",
        ),
    ],
)
def test_a_faulty_question_is_refused_with_the_reason(
    users: Users, text: str, message: str
) -> None:
    with pytest.raises(VocabularyError, match=message):
        users(text)


def test_a_user_can_stop_a_question(users: Users) -> None:
    """An empty list asks nothing, as the head of `vocabulary.toml` says."""
    more = users("[attributes.background]\ntemplates = []")
    assert more.questions["background"].templates == ()


def test_a_user_can_take_a_value_out_of_the_answers(users: Users) -> None:
    more = users("[attributes.color]\nprompts = {pink = [], grey = []}")
    assert {"pink", "grey"} & set(more.questions["color"].phrases) == set()


def test_a_value_of_a_user_keeps_its_place_after_the_others(users: Users) -> None:
    """Classifiers answer by place, so those of the old values must not move."""
    more = users("[attributes.color.words]\nmint = []")
    phrases = list(more.questions["color"].phrases)
    assert phrases == [*VOCABULARY.questions["color"].phrases, "mint"]
