"""Fixtures that every unit test may use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run_module(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module's ``main`` in this process and return its result."""

    def run(
        main: Callable[[], None], args: dict[str, Any], check: bool = False, diff: bool = False
    ) -> dict[str, Any]:
        capfd.readouterr()
        with patch_module_args({**args, "_ansible_check_mode": check, "_ansible_diff": diff}):
            with pytest.raises(SystemExit):
                main()
        result: dict[str, Any] = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
        return result

    return run
