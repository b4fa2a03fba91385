"""Server: the service, its API and streams, persistence, the command line and the page."""
