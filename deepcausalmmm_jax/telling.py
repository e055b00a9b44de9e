"""Lines of progress through `logging`, for runs that no one watches on a terminal."""

import logging
import sys
import time

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines


class Telling:
    """Says how far a long run is, with the time left, at most every ten seconds and on level INFO.

    Attributes:
        what: what is counted, e.g. `refits`.
        total: how many there will be; a run may end before.
    """

    def __init__(self, what: str, total: int, done: int = 0) -> None:
        self.what, self.total = what, total
        self._first = done
        self._began = self._last = time.monotonic()

    def at(self, done: int) -> None:
        """Tell that so many are done, unless a line was written just before."""
        now = time.monotonic()
        if now - self._last < _PAUSE or done <= self._first:
            return
        self._last = now
        left = (now - self._began) / (done - self._first) * (self.total - done)
        _LOG.info("%s: %d of %d, at most %.0f s left", self.what, done, self.total, left)

    def end(self, sentence: str) -> None:
        """Tell how it ended, and how long it took."""
        _LOG.info("%s: %s %.1f s.", self.what, sentence, time.monotonic() - self._began)


def tell_in_plain_text() -> None:
    """Write the package's log lines to standard error where that is no terminal; where it is one there are bars."""
    if sys.stderr.isatty() or _LOG.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
