"""The structural simulator of dispatch: what couriers, batches and stores would have done under another rule.

`kernel` walks orders through batching and couriers; `draws` is the chance that all arms share; `fleet` gathers
what a slice's orders and couriers were; `calibration` fits the mechanisms to the weeks before; `journey` plays an
arm; `response` reads how a level never seen before is used; `replay` holds the simulator against what was
observed; `simulate` gives effects of an intervention; `grid` runs policy cells.
"""
