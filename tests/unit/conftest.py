"""Fixtures that every unit test may use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils import _internal
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run_module(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run a module's ``main`` in this process and return its result."""

    def run(
        main: Callable[[], None], args: dict[str, Any], check: bool = False, diff: bool = False
    ) -> dict[str, Any]:
        capfd.readouterr()
        given = {**args, "_ansible_check_mode": check, "_ansible_diff": diff}
        # whatever other tests have imported, a module is not the controller
        monkeypatch.setattr(_internal, "is_controller", False)
        monkeypatch.setattr(warnings, "_global_warnings", {})
        with patch_module_args(given), pytest.raises(SystemExit):
            main()
        result: dict[str, Any] = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
        return result

    return run
