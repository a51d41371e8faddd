"""Files and folders that other programs put beside photos: their thumbnails, caches, bins, notes.

A thumbnail is a photo to any reader, and the same car a second time to a search. Names with a dot
at their beginning are left out as hidden ones anyway.
"""

from pathlib import Path

OTHER_FOLDER = "folder of another program (thumbnails, cache, bin) is left out"
OTHER_FILE = "file of another program is left out"

# In small letters: what stands here belongs to no person whatever folder it is in.
_FOLDERS = {
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap"),  # Synology
    *("@recycle", "@__thumb", "@recently-snapshot"),  # QNAP
    *("$recycle.bin", "system volume information", "found.000"),  # Windows
    *("__macosx", "lost+found", "lost.dir"),  # macOS' archives, Linux, Android
    *("files_trashbin", "files_versions"),  # Nextcloud
    "picasaoriginals",
}
_FOLDER_SUFFIXES = (".lrdata", ".lrcat-data", ".lrlibrary")  # Lightroom's previews

# A person's word for cars too: told by what an old Windows keeps in its bins.
_BINS, _OF_BINS = {"recycler", "recycled"}, ("s-1-5-", "info", "desktop.ini")
# Told by a file that the program puts there: Immich into each of these, PhotoPrism beside them.
_IMMICH, _PHOTOPRISM = {"thumbs", "encoded-video", "profile", "backups"}, {"cache", "sidecar"}
_LIBRARIES = {
    ".photoslibrary": {"originals", "masters"},  # Apple Photos: all else is made of these
    ".aplibrary": {"masters"},
    ".cocatalog": {"originals"},  # Capture One
}
_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r", "zbthumbnail.info"}
_FILE_SUFFIXES = (".thm", ".aae", ".xmp")  # a camera's thumbnails of videos; edits of photos


def is_other_folder(path: Path) -> bool:
    """Whether a folder inside that of the photos is another program's."""
    name, parent = path.name.lower(), path.parent
    own = _LIBRARIES.get(parent.suffix.lower())
    if own is not None:
        return name not in own
    return (
        name in _FOLDERS
        or name.endswith(_FOLDER_SUFFIXES)
        or (name.startswith("appdata_") and (path / "preview").is_dir())  # Nextcloud
        or (name == "cache" and parent.name == "CaptureOne")
        or (name in _BINS and _is_bin(path))
        or (name in _IMMICH and (path / ".immich").exists())
        or (name in _PHOTOPRISM and (parent / ".ppstorage").exists())
    )


def _is_bin(folder: Path) -> bool:
    try:
        return any(path.name.lower().startswith(_OF_BINS) for path in folder.iterdir())
    except OSError:
        return False


def is_other_file(path: Path) -> bool:
    """Whether a file is another program's note of photos."""
    return path.name.lower() in _FILES or path.suffix.lower() in _FILE_SUFFIXES
