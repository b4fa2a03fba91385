"""The HTTP API.

auth         who calls, and the scope that each route needs
deps         what routes are given
health       `/livez`, `/readyz`
incidents    incidents, their diagnosis, recommendations and experiment plan
problems     errors as RFC 9457 problem documents
runs         investigations: start, follow
schemas      bodies of requests and answers
"""
