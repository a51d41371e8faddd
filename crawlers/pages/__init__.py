"""Pages of web sites as records: pure functions, one package or module a site."""
