# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pai_render: references of the job protocol in a text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pai_render
short_description: Replaces C(<% $parameters.x %>) references in a text
version_added: 0.1.0
author: OpenPAI Runtime for Ansible contributors (@openpai)
description:
  - Replaces the references of the OpenPAI job protocol. One that the values do not know stays as
    it is written.
  - The text is data. Nothing in it is evaluated as a template.
options:
  _input:
    description: A text, or a list or mapping whose texts are rendered.
    type: raw
    required: true
  values:
    description:
      - What the roots mean, a mapping with any of the keys V(parameters), V(secrets), V(data),
        V(script), V(output).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the command of a job
  ansible.builtin.debug:
    msg: "{{ '--epochs <% $parameters.n %>' | openpai.runtime.pai_render(values) }}"
  vars:
    values: {parameters: {n: 3}}
"""

RETURN = r"""
_value:
  description: The input with its references replaced.
  type: raw
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.openpai.runtime.plugins.module_utils.pai.references import (
    ROOTS,
    render_all,
)


def pai_render(value: Any, values: Any) -> Any:
    """Return ``value`` with its references replaced; ``values`` maps roots to what they hold."""
    if not isinstance(values, dict) or not set(values) <= set(ROOTS):
        raise AnsibleFilterError(
            f"pai_render: the values must be a mapping with keys of {', '.join(ROOTS)}"
        )
    return render_all(value, values)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return name → function, as Ansible asks for it."""
        return {"pai_render": pai_render}
