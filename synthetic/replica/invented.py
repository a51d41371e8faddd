"""Invented sellers, streets, telephones and plates that can be recognized anywhere.

Each of them contains `MARK`, and each telephone `DIGITS`: if either turns up in stored data,
personal data was stored that must not be.
"""

MARK = "Invented"
DIGITS = "5550199"


def company(number: int) -> str:
    """A dealer's name."""
    return f"{MARK} Motors {number % 97}"


def person(number: int) -> str:
    """A contact person's name."""
    return f"Ida {MARK} {number % 89}"


def street(number: int) -> str:
    """A street with a house number."""
    return f"{MARK} Lane {number % 83 + 1}"


def invented_city(number: int) -> str:
    """A town's name."""
    return f"{MARK}ville {number % 79}"


def phone(number: int) -> str:
    """A telephone number."""
    return f"+00 {DIGITS} {number % 1000:03d}"


def plate(number: int) -> str:
    """A number plate."""
    return f"{MARK}-{number % 9973}"


def chassis(number: int) -> str:
    """A vehicle identification number."""
    return f"{MARK.upper()}{number:09d}"


def chatter(number: int) -> str:
    """A seller's text below an offer, with a telephone number and the word captcha."""
    return f"Call {person(number)}, {phone(number)}; no captcha here.<br>{company(number)}"
