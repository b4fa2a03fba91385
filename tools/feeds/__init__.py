"""Faults of the records themselves: one kind a file.

base      what a fault is, the panel of regions by days that all of them look at
clock     hours of the day, or arrivals, that are off by whole steps
copies    orders that are recorded twice under new ids
gaps      hours without orders
tables    a table that stopped while orders went on
volume    days with far too few or impossibly many orders
"""

from tools.feeds.base import Break, Panel

__all__ = ["Break", "Panel"]
"""What other rooms use."""
