"""The LanceDB tables: schema, writes, reads, indexes, versions.

It imports `core` and `crawlers.imports`, and is the only room that knows LanceDB. Start with
`catalog.schema`, every table's columns and key, and `catalog.table`, what can be done with them.
"""

from catalog.startup import put_off_client

put_off_client()  # before any module of this room imports LanceDB
