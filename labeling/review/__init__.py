"""The labels that a person should look at next, and the decisions of people."""
