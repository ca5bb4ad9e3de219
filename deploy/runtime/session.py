"""Open the graph on the processor that was asked for, and prove that it really runs there."""

import contextlib
import ctypes
import io
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from deploy.bundle.graph_outputs import GRAPH_INPUT, GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS
from deploy.bundle.read import Bundle
from deploy.runtime.bound_runs import BoundRuns
from deploy.runtime.pieces import Outputs, images_at_once, run_in_pieces
from deploy.runtime.processors import graph_threads
from span_train.contract.errors import BundleError, DeviceError

ProviderChoice = Literal["auto", "cpu", "cuda"]
Provider = Literal["cpu", "cuda"]
_ORT_NAME = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_FATAL_ONLY = 4
# Full float32 on the GPU: with TF32 the answers would leave the tolerance of `inspect verify`.
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


@dataclass(frozen=True)
class GraphSession:
    """An ONNX Runtime session on a known provider; threads may share it.

    Attributes:
        session: The ONNX Runtime session.
        provider: Where the graph really runs, read back from the session.
        bound: On the GPU, its runs over memory that stays there.
        at_once: Elsewhere, the most images in one run; 0 for any number.
    """

    session: ort.InferenceSession
    provider: Provider
    bound: BoundRuns | None = field(default=None, repr=False)
    at_once: int = 0

    def run(self, images_nhwc: npt.NDArray[np.uint8]) -> Outputs:
        """Run the graph on (N, S, S, 3) uint8 images and give its outputs by name."""
        if self.bound is not None:
            return self.bound.run(images_nhwc)
        return run_in_pieces(self._run, images_nhwc, self.at_once or len(images_nhwc))

    def _run(self, images_nhwc: npt.NDArray[np.uint8]) -> Outputs:
        arrays = self.session.run(list(GRAPH_OUTPUTS), {GRAPH_INPUT: images_nhwc})
        return dict(zip(GRAPH_OUTPUTS, arrays, strict=True))


def open_session(
    model_bytes: bytes, provider: ProviderChoice = "auto", threads: int = 0
) -> GraphSession:
    """Open a graph on the CPU or the GPU.

    Args:
        model_bytes: The ONNX graph.
        provider: `auto` takes the GPU where one works, else the CPU.
        threads: Threads of one run on the CPU; 0 takes what this process may use.

    Raises:
        DeviceError: `cuda` was asked for and the session does not run on it.
        BundleError: The bytes are no graph that this ONNX Runtime reads.
    """
    ort.set_default_logger_severity(_FATAL_ONLY)
    if provider == "cuda" or (provider == "auto" and _has_nvidia_driver()):
        session, problem = _try_cuda(model_bytes, threads)
        if session is not None:
            return GraphSession(session, "cuda", BoundRuns(session, "cuda"))
        if provider == "cuda":
            raise DeviceError(
                f"CUDA was asked for, but {problem}; install the NVIDIA driver with CUDA and cuDNN "
                "for this onnxruntime-gpu, or ask for --provider cpu."
            )
    session = _create(model_bytes, threads, [_ORT_NAME["cpu"]])
    assert session.get_providers() == [_ORT_NAME["cpu"]], "a CPU session has no other provider"
    return GraphSession(session, "cpu", at_once=_images_at_once(session))


def open_bundle_session(
    bundle: Bundle, provider: ProviderChoice = "auto", threads: int = 0
) -> GraphSession:
    """Open a bundle's graph, after comparing its inputs and outputs with the manifest.

    Raises:
        DeviceError: `cuda` was asked for and is not there.
        BundleError: The graph cannot be read, or is not the one the manifest describes.
    """
    try:
        graph = open_session(bundle.model_bytes, provider, threads)
    except BundleError as problem:
        raise BundleError(f"{bundle.folder}: {problem}") from None
    check_signature(bundle, graph)
    return graph


def check_signature(bundle: Bundle, graph: GraphSession) -> None:
    """Compare a graph's inputs and outputs with what a bundle's manifest says.

    Raises:
        BundleError: They differ; the message names the first that does.
    """
    side_px = bundle.manifest.input.side_px
    shapes = bundle.manifest.sizes.shapes()
    expected = {GRAPH_INPUT: ("tensor(uint8)", (side_px, side_px, 3))} | {
        name: ("tensor(float)", shapes[name]) for name in GRAPH_OUTPUTS
    }
    found = _signature(graph.session)
    if found != expected:
        wrong = next(name for name in (*expected, *found) if found.get(name) != expected.get(name))
        raise BundleError(
            f"{bundle.folder}: the graph's {wrong} is {found.get(wrong)}, but the manifest expects "
            f"{expected.get(wrong)}; export the run again."
        )


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _try_cuda(model_bytes: bytes, threads: int) -> tuple[ort.InferenceSession | None, str]:
    name = _ORT_NAME["cuda"]
    if name not in ort.get_available_providers():
        return None, "the onnxruntime installed here has no CUDA"
    _load_cuda_libraries()
    try:
        session = _create(model_bytes, threads, [(name, _CUDA_OPTIONS), _ORT_NAME["cpu"]])
    except BundleError as problem:
        return None, f"the session could not be opened on it ({problem})"
    found = session.get_providers()
    if found[0] != name:
        return None, f"ONNX Runtime opened the session on {found[0]}"
    return session, ""


def _load_cuda_libraries() -> None:
    """Load CUDA and cuDNN where they came as Python packages; it prints what it misses."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        contextlib.suppress(RuntimeError, OSError),
    ):
        warnings.simplefilter("ignore")
        ort.preload_dlls()


def _create(model_bytes: bytes, threads: int, providers: list[Any]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = graph_threads(threads)
    try:
        return ort.InferenceSession(
            model_bytes, options, providers=providers, enable_fallback=False
        )
    except Exception as problem:  # ONNX Runtime's exceptions share no base class of their own
        reason = str(problem).strip().splitlines()[0]
        raise BundleError(
            f"model.onnx: ONNX Runtime {ort.__version__} cannot open it ({reason}); "
            "export again, or update onnxruntime."
        ) from None


def _images_at_once(session: ort.InferenceSession) -> int:
    grids = [value.shape[-1] for value in session.get_outputs() if value.name == "attention"]
    return images_at_once(int(grids[0])) if grids else 0


def _signature(session: ort.InferenceSession) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each input and output, without the image axis."""
    found = {}
    for value in (*session.get_inputs(), *session.get_outputs()):
        has_image_axis = value.name in (GRAPH_INPUT, *PER_IMAGE_OUTPUTS)
        found[value.name] = (value.type, tuple(value.shape[1 if has_image_axis else 0 :]))
    return found
