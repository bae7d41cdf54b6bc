"""The tree of errors. It knows no HTTP library and no provider.

ChatappError
├── RunFailed                   a failed run, for a client that waits for the whole answer
├── ConfigError                 stops the start; the message names the key
├── RequestError                the client's mistake; answered before a stream begins
│   ├── InvalidRequest          400  this endpoint cannot take it: malformed JSON, an empty prompt
│   │   └── InvalidField        422  a field has the wrong type or is out of range
│   ├── Unauthorized            401  no login, or one that has ended
│   ├── Forbidden               403  sent by another site's page, or needs another role
│   ├── NotFound                404  does not exist, or belongs to somebody else
│   ├── RequestTimeout          408  the body did not come in time
│   ├── BodyTooLarge            413
│   ├── UnsupportedMediaType    415
│   └── LimitExceeded           429  this owner asks for more than one may have
│       ├── TokenLimitExceeded  429
│       └── BudgetExceeded      429
├── LogError
│   ├── UnknownRun              404  the log does not exist, or was trimmed
│   ├── LogUnavailable          503  events cannot be read or written now
│   └── LogLost                 503  the store lost the events of this run
├── DatabaseUnavailable         503  conversations cannot be read or written now
├── LoginUnavailable            503  the company's login cannot be asked now
├── Overloaded                  503  this process starts no more runs now
├── RunTimeout                  504  the whole run took too long; `run-end` carries the error
└── UpstreamError               the provider failed; `run-end` carries the error
    ├── Unreachable             502  no connection
    ├── UpstreamTimeout         504  silent for too long, or the whole reply took too long
    ├── Unavailable             503  not asked, because it failed repeatedly just before
    ├── Rejected                502  answered with an HTTP error
    │   ├── RateLimited         429
    │   └── RequestRefused      400  the fault is the request's: asked again, it fails again
    │       └── TooLong         400  the conversation is too long for the model
    ├── Reported                502  reported an error in its stream
    ├── BadReply                502  broke its protocol
    │   ├── EmptyReply          502  ended without anything that could be understood
    │   └── FrameTooLarge       502  a line or an event of its stream exceeds the limit
    ├── Truncated               502  the stream broke off
    └── ReplyTooLarge           502  the reply exceeds the limit

Each class has a `code` for programs, a `status` for HTTP and a message that is safe to show: it
never quotes a key, a provider's body or a traceback. `retry_after` is in seconds, None if nobody
knows.
"""

SOON_S = 5.0
"""When to come back if nothing says when: a run has ended by then, or a store is back."""


class ChatappError(Exception):
    code = "internal_error"
    status = 500
    retryable = False
    retry_after: float | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RunFailed(ChatappError):
    """A run that ended as `error` or `interrupted`, for a client that waits for the whole answer.

    It has the code of `run-end`, and the status of the class with this code.
    """

    def __init__(self, code: str, message: str, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.code = code
        self.status = status_of(code)
        self.retryable = retryable


def status_of(code: str) -> int:
    """The HTTP status for a failed run's code."""
    return 503 if code == "interrupted" else _statuses(ChatappError).get(code, 500)


def field_of(error: Exception) -> tuple[str, str]:
    """From an error of msgspec, "Expected … - at `$.messages[0].role`": the field, empty if it is
    the whole value, and what is wrong with it. In our messages the field comes first. Of a wrong
    name in an object, "at `key` in `$.metadata`", the field is the object."""
    wrong, _, path = str(error).replace(" - at `key` in `$", " of a name in it - at `$").partition(" - at `$")
    return path.rstrip("`").lstrip("."), wrong


def _statuses(tree: type[ChatappError]) -> dict[str, int]:
    below = [_statuses(child) for child in tree.__subclasses__()]
    return {code: status for statuses in below for code, status in statuses.items()} | {tree.code: tree.status}


class ConfigError(ChatappError):
    code = "bad_configuration"


class DatabaseAway(ConfigError):
    """It cannot be opened now: its address may be wrong, or it may come back."""


class RequestError(ChatappError):
    status = 400


class InvalidRequest(RequestError):
    code = "invalid_request"


class InvalidField(InvalidRequest):
    code = "invalid_field"
    status = 422


class Unauthorized(RequestError):
    code = "unauthorized"
    status = 401


class Forbidden(RequestError):
    code = "forbidden"
    status = 403


class NotFound(RequestError):
    code = "not_found"
    status = 404


class RequestTimeout(RequestError):
    code = "request_timeout"
    status = 408


class BodyTooLarge(RequestError):
    code = "body_too_large"
    status = 413


class UnsupportedMediaType(RequestError):
    code = "unsupported_media_type"
    status = 415


class LimitExceeded(RequestError):
    code = "rate_limit_exceeded"
    status = 429
    retryable = True

    def __init__(self, message: str, retry_after: float = SOON_S) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenLimitExceeded(LimitExceeded):
    code = "token_limit_exceeded"


class BudgetExceeded(LimitExceeded):
    code = "budget_exceeded"


class LogError(ChatappError):
    pass


class UnknownRun(LogError):
    code = "not_found"
    status = 404


class LogUnavailable(LogError):
    code = "log_unavailable"
    status = 503
    retryable = True
    retry_after = SOON_S


class LogLost(LogError):
    code = "log_lost"
    status = 503
    retryable = True


class DatabaseUnavailable(ChatappError):
    code = "database_unavailable"
    status = 503
    retryable = True
    retry_after = SOON_S


class LoginUnavailable(ChatappError):
    code = "login_unavailable"
    status = 503
    retryable = True


class Overloaded(ChatappError):
    code = "overloaded"
    status = 503
    retryable = True
    retry_after = SOON_S


class RunTimeout(ChatappError):
    code = "run_timeout"
    status = 504
    retryable = True


class UpstreamError(ChatappError):
    code = "upstream_error"
    status = 502


class Unreachable(UpstreamError):
    code = "upstream_unreachable"
    retryable = True


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    status = 504
    retryable = True


class Unavailable(UpstreamError):
    code = "upstream_unavailable"
    status = 503
    retryable = True


class Rejected(UpstreamError):
    """The provider answered with an HTTP error: `upstream_status`. `retry_after` is in seconds."""

    code = "upstream_rejected"

    def __init__(self, message: str, upstream_status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.retryable = upstream_status >= 500


class RateLimited(Rejected):
    code = "rate_limited"
    status = 429

    def __init__(self, message: str, upstream_status: int = 429, retry_after: float | None = None) -> None:
        super().__init__(message, upstream_status, retry_after)
        self.retryable = True


class RequestRefused(Rejected):
    code = "upstream_refused_request"
    status = 400


class TooLong(RequestRefused):
    code = "context_length_exceeded"


class Reported(UpstreamError):
    code = "upstream_reported_error"
    retryable = True


class BadReply(UpstreamError):
    code = "upstream_bad_reply"
    retryable = True


class EmptyReply(BadReply):
    """A BadReply that another attempt may mend."""


class FrameTooLarge(BadReply):
    code = "upstream_frame_too_large"
    retryable = False


class Truncated(UpstreamError):
    code = "upstream_truncated"
    retryable = True


class ReplyTooLarge(UpstreamError):
    code = "upstream_too_large"
