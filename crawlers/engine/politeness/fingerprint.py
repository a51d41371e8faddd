"""Fingerprints of requests, by which Scrapy recognizes duplicates."""

import hashlib

from scrapy import Request
from scrapy.utils.request import RequestFingerprinter


class PhotoFingerprinter(RequestFingerprinter):
    """Distinguishes two photos at one URL; Scrapy alone would drop the request for the second."""

    def fingerprint(self, request: Request) -> bytes:
        """The digest of a request and of its photo."""
        plain = super().fingerprint(request)
        link = request.meta.get("link")
        if link is None:
            return plain
        photo = f"{link.source_id}\x1f{link.version}".encode("utf-8", "replace")
        return hashlib.sha256(plain + photo).digest()
