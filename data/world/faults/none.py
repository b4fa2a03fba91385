"""A world in which nothing is wrong."""

from data.world.faults.base import Scenario

SCENARIO = Scenario("none", "nothing is wrong", None)
