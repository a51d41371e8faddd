"""What every room speaks: records, errors, licenses, credits, the vocabulary, statements."""
