"""The LanceDB tables: schema, writes, reads, indexes, versions."""
