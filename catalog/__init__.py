"""The LanceDB tables: schema, writes, reads, indexes, versions."""

from catalog.lazy_import import put_off_client

put_off_client()  # before any module of this room imports LanceDB
