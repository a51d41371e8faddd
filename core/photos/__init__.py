"""Decoding of photos: bytes -> pixels and facts, within bounds of memory and time.

A photo that cannot be read is refused with a reason. Start reading at `core.photos.decode`.
"""
