"""Photos become pictures ahead of the model, in threads or in processes.

Threads are the default: Pillow releases the interpreter's lock while it decodes. Where many cores
feed a fast model, the rest, which holds the lock, slows threads down, and processes are faster.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from core.errors import MarqueError
from core.photos.decode import RejectedError
from core.photos.decoding_budget import DECODING_MEMORY, ImageTooCostlyError
from core.records import Box
from embeddings.preparation import Picture, Preparation
from embeddings.tuning import Decoders


class DecodingError(MarqueError):
    """Decoding stopped for another reason than a photo; the message says what to do."""


class DecodePool:
    """Workers that decode photos for one model; to be closed, as processes must end."""

    def __init__(self, preparation: Preparation, decoders: Decoders, workers: int) -> None:
        self._preparation = preparation
        self._apart = decoders != "threads"
        self._pool: Executor
        if decoders == "threads":
            self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
            return
        # Spawned, never forked: a forked child would carry the threads and locks of torch and
        # LanceDB half dead.
        self._pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent
        )

    def submit(self, content: bytes, box: Box | None) -> Future[Picture]:
        """Start on a photo; `picture_of` waits for it.

        With processes it waits until there is memory for decoding the photo; a thread waits when
        it comes to the photo.
        """
        if not self._apart:
            return self._pool.submit(self._preparation.picture, content, box)
        try:
            size = self._preparation.decoding_bytes(content, box)
            DECODING_MEMORY.acquire(size)
        except (RejectedError, ImageTooCostlyError) as error:
            rejected: Future[Picture] = Future()
            rejected.set_exception(RejectedError(error.reason, error.detail))
            return rejected
        try:
            future = self._pool.submit(self._preparation.picture, content, box)
        except BrokenProcessPool as error:
            DECODING_MEMORY.release(size)
            raise _died() from error
        future.add_done_callback(lambda _: DECODING_MEMORY.release(size))
        return future

    def close(self) -> None:
        """End the workers; what was not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def picture_of(future: Future[Picture]) -> Picture:
    """The picture that a worker made; raises `RejectedError`, or `DecodingError` if it died."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _died() from error


def _died() -> DecodingError:
    return DecodingError(
        "a process that decoded photos was ended from outside, most often because the machine ran "
        "out of memory; run the same command again, which continues where this one stopped, and if "
        "it happens again set MARQUE_WORKERS=2, which decodes in two threads instead"
    )


def _follow_parent() -> None:
    """In a worker: leave the interrupt key to the parent, and end when it ends.

    A parent that is killed closes nothing, and its workers would wait for photos forever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in workers only"
    parent.join()
    os._exit(1)
