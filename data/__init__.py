"""Tables: contracts, sources, checks, and the dataset that every tool reads.

- `contracts`: the tables, declared once
- `mapping`, `expressions`: how foreign files become these tables
- `engine`, `engines`: what holds the tables and answers: DuckDB, PostgreSQL or Spark, through Ibis
- `source`, `files`, `shaping`, `watch`: folders, files, frames and databases as tables on an engine
- `casts`, `rules`, `check`, `report`: canonical types, row rules, quarantine
- `localtime`, `horizon`: local days and hours; the default as-of time
- `facts`, `cells`, `daily`, `fingerprint`: order-level view, its sums, some days at a time, a hash of the content
- `store`, `increment`: a folder that remembers what was read and summed, and opening with its help
- `dataset`: all of it together, as known at a time
- `slices`: parts of the business
- `world`: a simulated business with known faults
"""
