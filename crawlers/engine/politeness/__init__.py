"""How a site is asked: who we say we are, what we leave alone, when we wait and when we stop."""
