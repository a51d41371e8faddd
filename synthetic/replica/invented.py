"""Invented sellers, streets, telephones and plates that can be recognized anywhere.

Each of them contains `MARK`, and each telephone `DIGITS`: if either turns up in stored data,
personal data was stored that must not be.
"""

MARK = "Invented"
DIGITS = "5550199"


def seller_facts(number: int) -> dict[str, str]:
    """The invented facts of a car's seller, place and papers.

    `chatter` is the seller's text below an offer, with a telephone number and the word captcha.
    """
    company, person = f"{MARK} Motors {number % 97}", f"Ida {MARK} {number % 89}"
    phone = f"+00 {DIGITS} {number % 1000:03d}"
    return {
        "company": company,
        "person": person,
        "street": f"{MARK} Lane {number % 83 + 1}",
        "city": f"{MARK}ville {number % 79}",
        "zip": f"{MARK}-{number % 999}",
        "phone": phone,
        "plate": f"{MARK}-{number % 9973}",
        "chassis": f"{MARK.upper()}{number:09d}",
        "chatter": f"Call {person}, {phone}; no captcha here.<br>{company}",
    }
