"""Whether a word could belong to a language, by its letters: a misread word does not.

`Citroën` in Windows-1252 is `CitroÎn` in Mac Roman, with a capital inside. The Czech `černá`
becomes `èerná`: no language has these letters together, and no word begins with them.
"""

import re

ALPHABETS = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûü",
    "Dutch": "áéèêëíïóöúü",
    "Italian": "àèéìòù",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Danish": "æøåéö",
    "Swedish": "åäöéü",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíľňóôšťúýž",
    "Polish": "ąćęłńóśźż",
    "Hungarian": "áéíóöőúüű",
    "Croatian": "čćđšž",
    "Romanian": "ăâîşţșț",
    "Turkish": "çğıöşüâî",
    "Lithuanian": "ąčęėįšųūž",
    "Latvian": "āčēģīķļņšūž",
    "Estonian": "äõöüšž",
}
"""The letters beyond a to z in a language's own words. Rare letters are left out: they make a wrong
reading look right more often than they occur."""

ANY = "any"
"""The language of car names: people write them in every language."""

SIGNS = "signs"
"""The language of a word with a sign among its letters, which may be a misread letter."""

_NAMES = frozenset(
    (
        *("citroën", "citroëns", "škoda", "coupé", "coupés", "mégane", "zoé", "zoë", "séat", "ë"),
        *("cee\u2019d", "cee\u00b4d", "één", "étape", "séville", "véhicule", "métallisé", "weiß"),
        *("più", "grün", "m²", "m³", "cm²", "cm³", "dm³", "km²"),
    )
)
_CONSONANTS = frozenset("çñßčďňřšťžľćłńśźżđşţșțğģķļņ")
_VOWELS = frozenset("aeiouy") | frozenset("".join(ALPHABETS.values())) - _CONSONANTS
_LONE = frozenset("àéèåöóâêœ")
_ALONE = frozenset("–—…°®™©²³€£«»•·×±’‘“”\xa0")  # noqa: RUF001 - signs as typographers set them

_ELISION = re.compile(r"(?:[ldjmnstc]|qu|un|dell|all|nell|sull|dall)’\w+|\w+’(?:s|d|t|er|n)?", re.I)  # noqa: RUF001
_MARKED = re.compile(r"[^\W\d_]+[®™°]")
_JOINED = re.compile(r"[^\W_]+[–—][A-Z0-9]\w*")  # noqa: RUF001 - Rolls-Royce with a dash
_SPACED = re.compile(r"\w*(?:\xa0\w*)+|\w+…")
_AT_ITS_PLACE = {
    "à": r".*à$",
    "ì": r".*ì$",
    "ò": r".*ò$",
    "ù": r".*ù$",
    "ñ": r".*ñ[aeiouáéíóú]",
    "ã": r".*ã([oe]|s?$)",
    "œ": r".*œ[uidemns]",
    "ń": r".*ń(?![aeiouyó])",
    "ê": r".*ê.",
    "ë": r".*[aeiouy]ë",
    "ï": r".*[aeiouy]ï",
    "õ": r".*õe",
    "û": r"(?!.*ûz)",  # in Windows-1252 the Hungarian tűz reads so
    "ä": r"(?!.*aä)",
}


def languages_of(word: str, languages: tuple[str, ...]) -> frozenset[str]:
    """The languages that `word`, which has letters or signs beyond ASCII, could belong to.

    `ANY` and `SIGNS` stand for words of no single language. An empty set: it is not a word.
    """
    lower = word.replace("İ", "\u0131").lower()  # Python lowers İ to two characters
    bare = lower.replace("\u2019", "")
    elided = _ELISION.fullmatch(word) and (bare.isascii() or not _VOWELS.isdisjoint(bare))
    # A misread word may be `grÜn`, with capitals where nobody puts them.
    is_cased = word[1:].islower() or word.replace("ß", "").isupper() or not word[1:].isalpha()
    if (lower in _NAMES and is_cased) or elided:
        return frozenset((ANY,))
    if _MARKED.fullmatch(word) and word[:-1].isascii():
        return frozenset((ANY,))
    if not word.isalpha():
        return frozenset((SIGNS,)) if _has_fair_signs(word) else frozenset()
    if not _could_be_a_word(word, lower):
        return frozenset()
    letters = {letter for letter in lower if not letter.isascii()}
    fits = frozenset(name for name in languages if letters <= set(ALPHABETS[name]))
    if re.search("ç(?![aeiouyâãáéêõô])", lower):
        return fits & {"Turkish"}
    return fits


def _has_fair_signs(word: str) -> bool:
    if len(word) == 1:
        return word in _ALONE
    bare = re.sub(r"[\xa0–—…®™°]", "", word)  # noqa: RUF001
    fits = _JOINED.fullmatch(word) or _SPACED.fullmatch(word)
    return bool(fits) and (bare.isascii() or _could_be_a_word(bare, bare.lower()))


def _could_be_a_word(word: str, lower: str) -> bool:
    """Whether the case and the neighbors of its letters are possible in a word."""
    if len(word) == 1:
        return lower in _LONE
    strange = [at for at, letter in enumerate(lower) if not letter.isascii()]
    if len(lower) != len(word) or len(strange) * 3 > len(word) * 2 or len(strange) == len(word):
        return False
    plain = [letter for letter in word if letter.isascii()]
    is_shouted = len(plain) > 1 and all(map(str.isupper, plain))
    return all(
        _has_fair_case(word, at, is_shouted) and _has_fair_neighbors(lower, at) for at in strange
    )


def _has_fair_case(word: str, at: int, is_shouted: bool) -> bool:
    if word[at].isupper():
        return not at or word.replace("ß", "").isupper()
    return word[at] == "ß" or not (word[at + 1 : at + 2].isupper() or is_shouted)


def _has_fair_neighbors(lower: str, at: int) -> bool:
    letter, before, after = lower[at], lower[at - 1 : at], lower[at + 1 : at + 2]
    if (place := _AT_ITS_PLACE.get(letter)) and not re.match(place, lower):
        return False
    if letter in _CONSONANTS:
        ends = not after and letter in "ćńśźł"
        return not before or ends or before in _VOWELS or after in _VOWELS
    if letter in "ãœä" and after in ("o", "u", "i"):  # leão, cœur, Äußeres
        return True
    if letter in "èêë" and not before:  # a Czech or Polish word misread as Windows-1252
        return False
    return any(near and near not in _VOWELS for near in (before, after))
