"""Tables: contracts, sources, checks, and the dataset that every tool reads.

- `contracts`: the tables, declared once
- `mapping`, `expressions`: how foreign files become these tables
- `source`, `engine`: folders, files and frames as tables on DuckDB, through Ibis
- `casts`, `rules`, `check`, `report`: canonical types, row rules, quarantine
- `localtime`, `horizon`: local days and hours; the default as-of time
- `facts`, `cells`, `fingerprint`: order-level view, its sums, a hash of the content
- `dataset`: all of it together, as known at a time
- `slices`: parts of the business
- `world`: a simulated business with known faults
"""
