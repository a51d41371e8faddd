"""The answer of `prop=imageinfo` for a file of the replica's Commons, in the form of real answers
of 2026."""

from collections.abc import Callable, Collection, Iterable
from html import escape
from typing import Any
from urllib.parse import quote

from core.web import Web
from synthetic.replica.commons_files import CommonsFile, height_at
from synthetic.replica.commons_photos import thumbnail_step
from synthetic.replica.commons_state import Commons

COMMONS_HOST = "commons.wikimedia.org"
UPLOAD_HOST = "upload.wikimedia.org"
THUMB_HOST = "thumb.wikimedia.org"

Meta = dict[str, dict[str, Any]]


class ImageInfo:
    """Makes the `imageinfo` of files. `web` has the URLs of the hosts, `wanted` are the requested
    properties, `width` is that of the thumbnail, and `fields` are the requested fields of
    `extmetadata` (all if empty)."""

    def __init__(
        self,
        commons: Commons,
        web: Web,
        wanted: Iterable[str],
        width: int | None,
        fields: Iterable[str],
    ) -> None:
        self.commons, self.web, self.width = commons, web, width
        self.wanted, self.fields = set(wanted), set(fields)

    def __call__(self, file: CommonsFile) -> dict[str, Any]:
        """The newest version of the file, as one entry of `imageinfo`."""
        parts: dict[str, Callable[[CommonsFile], dict[str, Any]]] = {
            "timestamp": lambda file: {"timestamp": f"{file.uploaded:%Y-%m-%dT%H:%M:%SZ}"},
            "user": lambda file: {"user": file.user},
            "size": self._size,
            "url": self._addresses,
            "sha1": lambda file: {"sha1": self.commons.facts(file)[1]},
            "extmetadata": lambda file: {"extmetadata": extmetadata(file, self.fields)},
            "mime": lambda file: {"mime": file.mime},
            "mediatype": lambda file: {"mediatype": file.mediatype},
        }
        info: dict[str, Any] = {}
        for name, part in parts.items():
            if name in self.wanted or (name == "size" and "dimensions" in self.wanted):
                info |= part(file)
        return info

    def _size(self, file: CommonsFile) -> dict[str, Any]:
        size = {"size": self.commons.facts(file)[0], "width": file.width, "height": file.height}
        return size | ({"duration": 4.5} if file.kind == "audio" else {})

    def _addresses(self, file: CommonsFile) -> dict[str, Any]:
        page = f"{self.web.base(COMMONS_HOST)}/wiki/File:{quote(file.key, safe=';@$!*(),/~:')}"
        short = f"{self.web.base(COMMONS_HOST)}/w/index.php?curid={file.pageid}"
        return self._thumbnail(file) | {
            "url": self._original(file, "original"),
            "descriptionurl": page,
            "descriptionshorturl": short,
        }

    def _original(self, file: CommonsFile, content: str) -> str:
        path = f"/wikipedia/commons/{file.folder}/{quote(file.key, safe='')}"
        return self.web.base(UPLOAD_HOST) + path + _campaign(content)

    def _thumbnail(self, file: CommonsFile) -> dict[str, Any]:
        """The thumbnail. `thumbwidth` is the requested width, though the served file may be wider;
        if the original is too small to be scaled, it is the original."""
        if not self.width or not file.width:
            return {}
        step = thumbnail_step(file, self.width)
        if step is None:
            width, height = file.width, file.height
            return {
                "thumburl": self._original(file, "thumbnail_unscaled"),
                "thumbwidth": width, "thumbheight": height,
            }  # fmt: skip
        host = self.web.base(UPLOAD_HOST if file.pageid % 4 == 0 else THUMB_HOST)
        name = quote(file.key, safe="")
        scaled = f"{step}px-{name}" + (".png" if file.kind == "drawing" else "")
        path = f"/wikipedia/commons/thumb/{file.folder}/{name}/{scaled}"
        return {
            "thumburl": host + path + _campaign("thumbnail"),
            "thumbwidth": self.width, "thumbheight": height_at(self.width),
        }  # fmt: skip


def extmetadata(file: CommonsFile, fields: Collection[str] = ()) -> Meta:
    """The fields that are named, or all if none is, sorted by name.

    Each is `{"value", "source", "hidden"}`; `hidden` is left out where it is false.
    """
    rights, day = file.rights, f"{file.uploaded:%Y-%m-%d %H:%M:%S}"
    hidden = {
        "Assessments": "", "Categories": "|".join(sorted((*file.shown.categories, "Cars"))),
        "AttributionRequired": "true" if rights.short.startswith("CC BY") else "false",
        # CC0 counts as copyrighted.
        "Copyrighted": "False" if rights.terms == "Public domain" else "True",
        "Credit": '<span class="int-own-work" lang="en">Own work</span>', "DateTime": day,
        "LicenseShortName": rights.short, "UsageTerms": rights.terms, "Restrictions": "",
        "ObjectName": file.name.rpartition(".")[0], "License": rights.slug,
        "LicenseUrl": rights.url,
    }  # fmt: skip
    if file.oddity:
        hidden[file.oddity[0]] = file.oddity[1].format(user=escape(file.user))
    shown = {"Artist": file.artist, "ImageDescription": description(file)}
    if file.shown.year:
        shown["DateTimeOriginal"] = f"{file.uploaded:%Y-%m-%d}"
    meta: Meta = {
        name: {"value": value, "source": FIELD_SOURCES.get(name, "commons-desc-page"), "hidden": ""}
        for name, value in hidden.items()
        if value is not None
    }
    for name, value in shown.items():
        if value is not None:
            meta[name] = {"value": value, "source": "commons-desc-page"}
    meta["CommonsMetadataExtension"] = {"value": 1.2, "source": "extension", "hidden": ""}
    return {name: meta[name] for name in sorted(meta) if not fields or name in fields}


FIELD_SOURCES = {
    "Assessments": "commons-categories", "Categories": "commons-categories",
    "License": "commons-templates", "DateTime": "mediawiki-metadata",
    "ObjectName": "mediawiki-metadata",
}  # fmt: skip
"""The source of each field that does not come from the description page."""


def description(file: CommonsFile) -> str | None:
    """The uploader's description in HTML; None for a few files."""
    if file.pageid % 13 == 0:
        return None
    year = f"{file.shown.year} " if file.shown.year else ""
    return f"<p>{year}{escape(file.shown.words)}</p>"


def _campaign(content: str) -> str:
    return f"?utm_source={COMMONS_HOST}&utm_campaign=imageinfo&utm_content={content}"
