# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the object stores have in common: rclone mounts a bucket as a file system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Recipe, Request
from .fields import Field, join, url
from .options import merge

#: How rclone's environment calls the server; REMOTE below is a directory of it.
SERVER = "RCLONE_CONFIG_SERVER_"
REMOTE = "RCLONE_CONFIG_PAI_"
#: The fields of all object stores: how their service is reached.
NETWORK = {"httpProxy": Field("the HTTP proxy, as http://HOST:PORT", read=url)}

# "writes" is the least that gives programs a real file to open: with "minimal" or "off" neither
# appending nor seeking in a written file works. A second lets a file that is written anew go up
# only once; with "0s" rclone does not try a failed upload again.
_DIRECT = ("vfs-cache-mode=writes", "vfs-write-back=1s", "dir-cache-time=10s")
_CACHED = ("vfs-cache-mode=full", "vfs-write-back=5s")
# Stores know no permissions; as for azurefile everything may be done, scripts may be run.
_COMMON = ("umask=000", "dir-perms=0777", "file-perms=0777")
_LIMITS = ("contimeout=10s", "timeout=60s", "low-level-retries=3")
_OURS = (
    *("config", "cache-dir", "log-file", "devname", "volname", "allow-non-empty", "rc", "rc-addr"),
    *("daemon", "daemon-wait", "daemon-timeout", "option", "o", "fuse-flag", "ask-password"),
)


def recipe(
    request: Request, source: str, remote: str, settings: Mapping[str, Any], proxy: str = ""
) -> Recipe:
    """Return what mounts ``remote`` (BUCKET/PATH) of the server with these settings of rclone.

    Everything reaches rclone by its environment: nothing but flags stands in its arguments.
    """
    defaults = (*(_CACHED if request.mode == "cached" else _DIRECT), *_COMMON, *_LIMITS)
    environment = {f"{SERVER}{name.upper()}": _setting(value) for name, value in settings.items()}
    environment[f"{REMOTE}TYPE"] = "alias"
    environment[f"{REMOTE}REMOTE"] = f"server:{remote}"
    if proxy:
        environment.update({"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy})
    options = merge(request, defaults, _OURS, dashes=True)
    set_ones = {name: value for name, value in environment.items() if value}
    return Recipe("rclone", source, ("fuse.rclone",), options, environment=set_ones)


def bucket_recipe(
    request: Request, service: str, bucket: str, settings: Mapping[str, Any], proxy: str
) -> Recipe:
    """Return the recipe of a bucket (or container) of a service, with the request's directory."""
    remote = join(bucket, request.path)
    return recipe(request, f"{request.type}:{service}/{remote}", remote, settings, proxy)


def service_of(endpoint: str, default: str) -> str:
    """Return what a mount's source calls the service: the endpoint without its scheme."""
    return endpoint.partition("://")[2] or endpoint or default


def _setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
