"""The finest cells: integer measures summed by local day, hour and every slice dimension."""

import ibis.expr.types as ir

from data.facts import measures


def cells(view: ir.Table, dimensions: tuple[str, ...]) -> ir.Table:
    """One row a (day, hour, dimensions) with orders.

    Args:
        view: a fact view of `data.facts`.
        dimensions: names of its dimension columns.

    Returns:
        The keys and the sums (int64) of the view's measures, in no order.
    """
    keys = ["day", "hour", *dimensions]
    return view.group_by(keys).agg(**{name: view[name].sum().cast("int64") for name in measures(view)})
