"""Files and folders that other programs put beside photos: thumbnails, caches, trash, metadata.

A thumbnail would be read as a photo, and a search would find the same car twice. Names that begin
with a dot are left out as hidden files anyway.
"""

from pathlib import Path

OTHER_FOLDER = "folder of another program (thumbnails, cache, bin) is left out"
OTHER_FILE = "file of another program is left out"

# In lower case. No person names folders like this, wherever they are.
_FOLDERS = {
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap"),  # Synology
    *("@recycle", "@__thumb", "@recently-snapshot"),  # QNAP
    *("$recycle.bin", "system volume information", "found.000"),  # Windows
    *("__macosx", "lost+found", "lost.dir"),  # macOS' archives, Linux, Android
    *("files_trashbin", "files_versions"),  # Nextcloud
    "picasaoriginals",
}
_FOLDER_SUFFIXES = (".lrdata", ".lrcat-data", ".lrlibrary")  # Lightroom's previews

# People name folders of cars like this too: recognized by the files of an old Windows recycle bin.
_BINS, _OF_BINS = {"recycler", "recycled"}, ("s-1-5-", "info", "desktop.ini")
# Recognized by a marker file: Immich puts it into each of these folders, PhotoPrism beside them.
_IMMICH, _PHOTOPRISM = {"thumbs", "encoded-video", "profile", "backups"}, {"cache", "sidecar"}
_LIBRARIES = {
    ".photoslibrary": {"originals", "masters"},  # Apple Photos: all else is made of these
    ".aplibrary": {"masters"},
    ".cocatalog": {"originals"},  # Capture One
}
_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r", "zbthumbnail.info"}
_FILE_SUFFIXES = (".thm", ".aae", ".xmp")  # a camera's thumbnails of videos; edits of photos


def is_other_folder(path: Path) -> bool:
    """Whether a folder below the photos' folder belongs to another program."""
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
    """Whether a file is another program's data about photos."""
    return path.name.lower() in _FILES or path.suffix.lower() in _FILE_SUFFIXES
