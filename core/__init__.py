"""Types and functions that every other room uses.

Holds: records that sources yield, errors, licenses and credits, the vocabulary of attributes,
assertions, repair of text, and decoding of photos. Imports no other room. Start reading at
`core.records`.
"""
