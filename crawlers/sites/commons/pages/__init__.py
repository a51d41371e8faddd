"""The API of Wikimedia Commons: parameters of requests, and how answers are read."""
