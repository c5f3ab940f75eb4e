"""Opens a net for an eye: with one thread, as an eye has one core."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def open_net(model: Path | bytes) -> onnxruntime.InferenceSession:
    """Return a session, from a file or its content. What onnxruntime raises goes through."""
    options = onnxruntime.SessionOptions()
    # Threads that spin for work would take the recorder's core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Planning all tensors at once costs 20 MB and saves nothing measurable here.
    options.enable_mem_pattern = False
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
