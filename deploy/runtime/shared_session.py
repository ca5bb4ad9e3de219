"""Keep one session a graph in a process, however often and from wherever it is opened."""

import os
import threading
from weakref import WeakValueDictionary

from deploy.bundle.read import Bundle
from deploy.runtime.session import (
    GraphSession,
    ProviderChoice,
    check_signature,
    open_bundle_session,
)

_Key = tuple[int, str, ProviderChoice, int]
_OPEN: "WeakValueDictionary[_Key, GraphSession]" = WeakValueDictionary()
_OPENING = threading.Lock()


def shared_bundle_session(
    bundle: Bundle, provider: ProviderChoice = "auto", threads: int = 0
) -> GraphSession:
    """Open a bundle's graph, or take the session this process has open for the same graph.

    Weights and threads are then there once. A session goes when nothing holds it any more; a
    forked process opens its own, for threads do not survive a fork.

    Raises:
        DeviceError: `cuda` was asked for and is not there.
        BundleError: The graph cannot be read, or is not the one the manifest describes.
    """
    process, model = os.getpid(), bundle.manifest.model_id
    with _OPENING:
        graph = _OPEN.get((process, model, provider, threads))
        if graph is not None:
            check_signature(bundle, graph)
            return graph
        graph = open_bundle_session(bundle, provider, threads)
        graph = _OPEN.setdefault((process, model, graph.provider, threads), graph)
        _OPEN[process, model, provider, threads] = graph
        return graph
