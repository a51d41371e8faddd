"""The LanceDB tables: schema, writes, reads, indexes, versions."""

from catalog.lazy_import import defer_rest_client

defer_rest_client()  # before any module of this room imports LanceDB
