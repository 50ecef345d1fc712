"""A real browser shows the page of a failure: light or dark, wide or narrow; nothing runs."""

from __future__ import annotations

import html
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.pages.html_style import STYLE
from tests.unit.plugins.module_utils.pai.exit.pages.test_html_page import (
    EVIL,
    Page,
    excerpt,
    page,
    report,
)

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SCHEMES = {"dark": 0, "light": 1}  # as Chromium's settings number them
LONG = "/very/long/path" * 30
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


def browse(file: Path, *options: str) -> str:
    words = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--disable-background-networking", "--hide-scrollbars"),
        f"--user-data-dir={file.parent / 'profile'}",
    ]
    command = [str(BROWSER), *words, *options, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def full_page() -> bytes:
    """Return a page that has every part, with long words in each."""
    words = {"reason": LONG, "message": f"m{LONG}", "where": LONG, "plugin": LONG, "job": LONG}
    row = {"phrase": LONG, "category": LONG, "file": LONG, "line": 99999999, "text": LONG}
    disk = {"path": LONG, "full": True, "totalBytes": 1 << 40, "freeBytes": 0, "inodesFree": 3}
    document = report(
        **words, solution=[LONG], runnersUp=[row], facts={"disks": [disk]}, category=LONG
    )
    return page(document, excerpt(f"{LONG}\n\tError: {LONG}\n{EVIL}\n", "Error"))


@needs_browser
def test_it_shows_what_a_log_says_and_runs_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "failure.html"
    path.write_bytes(page(report(reason=EVIL), excerpt(f"{EVIL}\nError\n", "Error")))
    found = Page(browse(path, "--dump-dom").encode())
    assert found.text["title"] == ["gpu-oom: resnet, task worker-3 failed"]
    assert found.text["code"][0] == EVIL


@needs_browser
def test_nothing_is_wider_than_the_window(tmp_path: Path) -> None:
    """The window itself cannot be that narrow everywhere; so the page is shown in frames."""
    frames = "".join(
        f'<iframe style="width:{width}px;height:900px;border:0"'
        f' srcdoc="{html.escape(full_page().decode())}"></iframe>'
        for width in (320, 400, 1200)
    )
    measure = (
        "onload = () => { document.title = [...document.querySelectorAll('iframe')]"
        ".map(each => each.contentDocument.documentElement)"
        ".map(each => each.scrollWidth + '/' + each.clientWidth).join(' ') }"
    )
    path = tmp_path / "frames.html"
    path.write_text(f"<!DOCTYPE html><script>{measure}</script><body>{frames}</body>")
    shown = browse(path, "--dump-dom")
    assert "<title>320/320 400/400 1200/1200</title>" in shown


def corner(picture: bytes) -> tuple[int, ...]:
    """Return red, green and blue of a PNG's first pixel, which no filter changes."""
    place, data = 8, b""
    while place < len(picture):
        size, kind = struct.unpack_from(">I4s", picture, place)
        data += picture[place + 8 : place + 8 + size] if kind == b"IDAT" else b""
        place += size + 12
    return tuple(zlib.decompress(data)[1:4])


@needs_browser
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_is_as_dark_or_light_as_the_readers_system(tmp_path: Path, scheme: str) -> None:
    path, shot = tmp_path / "failure.html", tmp_path / "shot.png"
    path.write_bytes(full_page())
    setting = f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
    browse(path, setting, "--window-size=600,400", f"--screenshot={shot}")
    shade = sum(corner(shot.read_bytes())) / 3
    assert shade < 40 if scheme == "dark" else shade > 215


def colours(text: str) -> dict[str, str]:
    """Return the colours that a part of the style names, each of six digits."""
    found = dict(re.findall(r"--([\w-]+): #([0-9a-f]+);", text))
    return {k: v if len(v) == 6 else "".join(2 * each for each in v) for k, v in found.items()}


def luminance(digits: str) -> float:
    """Return the relative luminance, as WCAG 2 defines it."""
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "back"),
    [
        *(("text", back) for back in ("back", "card", "hit")),
        *(("soft", back) for back in ("back", "card", "hit")),
        ("mark-text", "mark"),
    ],
)
def test_every_text_stands_out(scheme: str, text: str, back: str) -> None:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")[:2]
    named = {**colours(light), **(colours(dark.split("}")[0]) if scheme == "dark" else {})}
    first, second = sorted(luminance(named[name]) for name in (text, back))
    assert (second + 0.05) / (first + 0.05) >= 4.5
