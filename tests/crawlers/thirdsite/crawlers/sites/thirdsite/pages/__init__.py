"""The pages of the third site: what they say, read without a network."""
