"""The LanceDB tables: schema, writes, reads, indexes, versions."""

from catalog.startup import put_off_client

put_off_client()  # before any module of this room imports LanceDB
