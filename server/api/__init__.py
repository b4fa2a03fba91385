"""The HTTP API.

auth         who calls, and the scope that each route needs
deps         what routes are given
experiments  experiments of an incident: start, read, make permanent, follow up
health       `/livez`, `/readyz`
incidents    incidents, their diagnosis, recommendations and experiment plan
problems     errors as RFC 9457 problem documents
reports      the last finished investigation of an incident
runs         investigations: start, follow
schemas      bodies of requests and answers; `experiment_schemas` those about experiments
"""
