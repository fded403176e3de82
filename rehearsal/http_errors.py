"""The error that handlers of the emulator's own paths raise."""


class HttpError(Exception):
    """An answer with an HTTP status other than 200 and the reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
