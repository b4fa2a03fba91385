"""The simulated world: a causal generator whose faults, truth and counterfactuals are known.

config         what a world is made from
streams        one random stream per mechanism
regions        regions and their time zones
catalog        categories, stores and products
grid           region-hours and fleet-hours in local time
shocks         weather, promotions, slow noise
demand         who comes, when, and who orders
supply         couriers, utilisation, the wait for one
batching       which orders are carried together
fulfilment     preparation, travel and the promise
stock          what is there, and order lines
outcomes       cancellation, refund, support, rating
structure      other forms of the mechanisms
levers         the parameters that faults and actions move
faults         the scenarios, one file each
distribution   where fault sizes and scopes come from
actions        interventions and their cost
decoys         policy changes that change nothing
draws          all random draws of a world
journey        one pass through the mechanisms
tables         the tables of a run
score          the metrics of a run
run, world     a run, and the world that makes it
"""

from data.world.config import WorldConfig
from data.world.export import read_truth, write
from data.world.faults import SCENARIOS
from data.world.regions import ZONES
from data.world.run import WorldRun
from data.world.structure import Structure
from data.world.truth import Truth
from data.world.world import World

__all__ = [
    "SCENARIOS",
    "ZONES",
    "Structure",
    "Truth",
    "World",
    "WorldConfig",
    "WorldRun",
    "read_truth",
    "write",
]
