"""Lines that look like a failure and are none are known by their form."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.harmless import (
    is_harmless,
)


@pytest.mark.parametrize(
    ("line", "harmless"),
    [
        ("+ trap 'echo CUDA out of memory' EXIT", True),
        ("+ exit 137", False),
        ("[filter 0] skip 000001724: PIL.UnidentifiedImageError: cannot identify", True),
        ("skipping the rest", False),
        (
            "WARNING | Handling webdataset error (OSError('image file is truncated')). Ignoring.",
            True,
        ),
        ("W: Some index files failed to download. They have been ignored, or old ones used.", True),
        ("##[warning]Upload failed: 429 Too Many Requests. Continuing because it may fail.", True),
        ("ignoring the limit: Out of memory: Killed process 12 (python) total-vm:1kB", False),
        ("    PREEMPTED       0.67      0.63      0.65        13", True),
        ("RuntimeError: CUDA out of memory", False),
    ],
)
def test_the_form_of_a_line(line: str, harmless: bool) -> None:
    assert is_harmless(line) is harmless
