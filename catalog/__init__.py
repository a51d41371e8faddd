"""Storage of photos, sightings, assertions and labels in LanceDB tables.

Holds: schema and migrations, reads and writes, indexes, versions, registering of photos, credits.
May import `core` and `crawlers`; only this room imports LanceDB. Start reading at `catalog.table`,
then `catalog.schema`.
"""

from catalog.startup import put_off_client

put_off_client()  # before any module of this room imports LanceDB
