"""The nodes of the graph, one module each.

triage         finds the incident, tests what needs no specialist, sends the investigators out
investigator   one specialist: its battery in code, then its model with its tools
join           final evidence ids, adjudication
challenger     tries to break the leading cause; the verdict is final
tracer         by which ways the damage of the leading cause came
strategist     ranked recommendations; its model may look at alternatives first
planner        the experiment plan of the first recommendation
writer         the narrative, grounded
report         the report, told and kept
"""
