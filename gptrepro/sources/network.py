"""Finding out within seconds that a host cannot be reached, whatever its client would do about it."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import requests

from gptrepro.errors import GptreproError

PATIENCE_SECONDS = 3.0


def require_reachable(url: str) -> None:
    """Return if the host of ``url`` answers at all, with whatever status.

    Clients retry for up to a minute, and a name server that does not answer is not even covered by
    their timeouts; so this asks once, in a thread that can be left behind.

    Raises:
        GptreproError: no answer within three seconds.
    """
    failures: list[str] = []
    answered = threading.Event()

    def ask() -> None:
        try:
            requests.head(url, timeout=PATIENCE_SECONDS, allow_redirects=False)
        except requests.exceptions.SSLError:
            pass  # it answers; the client that follows may know the certificate
        except requests.RequestException as error:
            failures.append(type(error).__name__)
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    if not answered.wait(PATIENCE_SECONDS) or failures:
        raise GptreproError(f"{urlsplit(url).netloc} cannot be reached")
