"""What the handlers of the rehearsal's own paths raise for an answer other than 200."""


class Refused(Exception):
    """Status of the answer, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
