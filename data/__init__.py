"""Data: table contracts, sources, mappings, the dataset tools read, and the simulated world."""
