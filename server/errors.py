"""Errors of the service, by who must act.

ServiceError                        carries the HTTP status; one handler makes a problem document of it
├── NotFoundError            404    the id names nothing
├── ConflictError            409    from where the thing stands, this cannot be done
│   └── NotFixedError        409    conditions of closing an incident as fixed fail
├── PreconditionFailedError  412    somebody else changed it since it was read
├── UnprocessableError       422    the request contradicts an earlier one
├── PreconditionRequiredError 428   a change must say which version it saw
├── UnauthorizedError        401    no key, or an unknown one
├── ForbiddenError           403    the key lacks the scope
├── TooManyError             429    a limit on streams or runs is reached
└── UnavailableError         503    something that is needed is not ready
ConfigurationError                  a setting is wrong: exit code 4, never an HTTP answer
"""


class ServiceError(Exception):
    """Base of what the API answers with a problem document.

    Example:
        >>> NotFoundError("run 17").status
        404
    """

    status = 500
    code = "internal"
    title = "Internal error"

    def __init__(self, message: str, *, fields: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields
        """What is wrong, part by part: where, and why."""


class NotFoundError(ServiceError):
    """The id names nothing."""

    status, code, title = 404, "not_found", "Not found"


class ConflictError(ServiceError):
    """From where the thing stands, this cannot be done."""

    status, code, title = 409, "conflict", "Conflict"


class NotFixedError(ConflictError):
    """Conditions of closing an incident as fixed fail; `fields` names each."""

    code, title = "not_fixed", "The incident is not fixed"


class PreconditionFailedError(ServiceError):
    """Somebody else changed it since it was read."""

    status, code, title = 412, "precondition_failed", "Changed in the meantime"


class PreconditionRequiredError(ServiceError):
    """A change must say which version of the thing it saw."""

    status, code, title = 428, "precondition_required", "Version required"


class UnprocessableError(ServiceError):
    """The request contradicts an earlier one, or asks for something impossible."""

    status, code, title = 422, "unprocessable", "Request cannot be processed"


class UnauthorizedError(ServiceError):
    """No key, or an unknown one."""

    status, code, title = 401, "unauthorized", "Not authenticated"


class ForbiddenError(ServiceError):
    """The key lacks the scope."""

    status, code, title = 403, "forbidden", "Not allowed"


class TooManyError(ServiceError):
    """A limit is reached; try again later."""

    status, code, title = 429, "too_many", "Too many requests"


class UnavailableError(ServiceError):
    """Something that is needed is not ready."""

    status, code, title = 503, "unavailable", "Not available"


class ConfigurationError(Exception):
    """A setting is wrong; the message names the variable."""
