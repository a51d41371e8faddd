"""A Prefect server that dies under a run is noticed within seconds, and the run ends.

Prefect's own clients try again for minutes, each of them, and end in an error of the HTTP library.
"""

import logging
import os
import signal
import ssl
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.environment import opener_for
from flows.server.process import ServerError


class ServerGoneError(ServerError):
    """The server of a run ended under it. The process should end without waiting for Prefect's
    threads, which try for minutes to send what they have left."""


EVERY_SECONDS = 1.0
GONE_SECONDS = 10.0
"""How long a server may refuse connections: it may be restarting."""

SILENT_SECONDS = 60.0
"""How long a server may not answer: it may be busy."""

AGAIN_SECONDS = 5.0


def is_up(url: str, seconds: float = 5.0) -> bool:
    """Whether the API at `url` answers, with any status; raises `TimeoutError` if it does not in
    `seconds`."""
    try:
        opener_for(url).open(f"{url}/health", timeout=seconds).close()
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise TimeoutError from error
        return isinstance(error.reason, ssl.SSLError)  # Prefect may know its certificate
    except TimeoutError:
        raise
    except OSError:
        return False
    return True


@contextmanager
def watched(url: str, is_alive: Callable[[], bool]) -> Iterator[threading.Event]:
    """End the block, of the main thread, when the event reports that the server at `url` is gone.

    For our own server `is_alive` reports it at once. Raises `ServerGoneError` then.
    """
    over, gone = threading.Event(), threading.Event()
    # A shell starts a command in the background with SIGINT ignored, by which the watch ends it.
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(
            signal.SIGINT, lambda *given: gone.is_set() and signal.default_int_handler(*given)
        )
    watch = threading.Thread(target=_watch, args=(url, is_alive, over, gone), daemon=True)
    watch.start()
    try:
        yield gone
    except BaseException as error:
        if gone.is_set():
            raise ServerGoneError(
                f"the Prefect server at {url} ended, or answers no more, and the run was stopped; "
                "start it again, then run the same command again, which continues where this one "
                "stopped"
            ) from error
        raise
    finally:
        over.set()
        watch.join()
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _watch(
    url: str, is_alive: Callable[[], bool], over: threading.Event, gone: threading.Event
) -> None:
    refused = silent = time.monotonic()
    while not over.wait(EVERY_SECONDS):
        now = time.monotonic()
        try:
            if is_up(url):
                refused = silent = now
            else:
                silent = now
        except TimeoutError:
            refused = now
        if not is_alive() or now - refused > GONE_SECONDS or now - silent > SILENT_SECONDS:
            break
    else:
        return
    gone.set()
    # From here on Prefect's clients in this process fail at once and log nothing.
    from prefect.context import refresh_global_settings_context

    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("prefect") and isinstance(logger, logging.Logger):
            logger.disabled = True
    os.environ["PREFECT_CLIENT_MAX_RETRIES"] = "0"
    refresh_global_settings_context()
    while not over.is_set():
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        over.wait(AGAIN_SECONDS)
