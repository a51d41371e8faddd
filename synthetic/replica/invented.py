"""Sellers, streets, telephones and plates that nobody has, and that are known again anywhere.

Every word of them holds `MARK` and every telephone `DIGITS`: where either turns up, something was
kept that must not be.
"""

MARK = "Invented"
DIGITS = "5550199"


def company(number: int) -> str:
    """A dealer."""
    return f"{MARK} Motors {number % 97}"


def person(number: int) -> str:
    """Somebody to talk to."""
    return f"Ida {MARK} {number % 89}"


def street(number: int) -> str:
    """A street and a house."""
    return f"{MARK} Lane {number % 83 + 1}"


def invented_city(number: int) -> str:
    """A town."""
    return f"{MARK}ville {number % 79}"


def phone(number: int) -> str:
    """A telephone."""
    return f"+00 {DIGITS} {number % 1000:03d}"


def plate(number: int) -> str:
    """A number plate."""
    return f"{MARK}-{number % 9973}"


def chassis(number: int) -> str:
    """A vehicle identification number."""
    return f"{MARK.upper()}{number:09d}"


def chatter(number: int) -> str:
    """What sellers write below an offer, with a telephone in it and the word captcha."""
    return f"Call {person(number)}, {phone(number)}; no captcha here.<br>{company(number)}"
