"""What every room speaks: records of photos, licenses, the vocabulary, statements, pictures.

It imports no other room. Start with `core.records`, what a source yields, and `core.vocabulary`;
`core.photos` is the one place where bytes are opened as pictures.
"""
