"""Bytes of a photo -> its pixels and facts, within bounds; what cannot be read gets a reason."""
