"""What a tool may answer instead of a result."""


class ToolFailure(Exception):  # noqa: N818  # it is an answer, not a defect
    """A tool could not answer, for a reason that its caller (a model or a person) may read and act on."""
