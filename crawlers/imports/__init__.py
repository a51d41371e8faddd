"""Sources on disk: a folder of photos with an optional sidecar, and Stanford Cars.

May import `core` only. Start reading at `crawlers.imports.folder`.
"""
