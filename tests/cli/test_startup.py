"""Help comes at once: nothing heavy is imported for it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "torch", "cv2", "mediapipe", "mmengine", "mmdet", "mmpose", "mmcv", "numpy", "safetensors", "requests", "scipy",
    "ray", "onnxruntime", "av", "fastapi", "uvicorn", "PIL", "matplotlib",
}  # fmt: skip


def test_help_imports_nothing_heavy():
    program = (
        "import sys\nfrom skelact.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for verb in (
        "extract",
        "convert",
        "predict",
        "prepare",
        "train",
        "test",
        "fuse",
        "calibrate",
        "models",
        "visualize",
        "serve",
        "doctor",
    ):
        assert verb in done.stdout


def test_version(skelact):
    import skelact as package

    assert skelact("--version").stdout == f"skelact {package.__version__}\n"
