"""The page of a failure: well formed, harmless whatever a log says, small, and complete."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit import context
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.context import Excerpt
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.pages import (
    html_content,
    html_page,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.logs import (
    Log,
    clean,
)
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.search.scan import Hit
from ansible_collections.openpai.runtime.plugins.module_utils.pai.masking import Masker

VOID = {"meta"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section"),
    *("p", "h1", "h2", "h3", "ul", "ol", "li", "div", "span", "code", "mark"),
    *("table", "tbody", "tr", "th", "td"),
}
EVIL = "<script>document.title='pwned'</script><img src=x onerror=alert(1)>\"'&lt;</code></style>"


class Page(html.parser.HTMLParser):
    """Reads a page and holds that every tag is closed in its order, and is one of ours."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str]] = []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data


def report(**more: Any) -> dict[str, Any]:
    return {
        "job": "resnet",
        "taskRole": "worker",
        "taskIndex": 3,
        "exitCode": 226,
        "originalUserExitCode": 1,
        "stage": "command",
        "phrase": "ContainerCudaOOMKilled",
        "category": "gpu-oom",
        "fault": "user",
        "transient": False,
        "confidence": 0.97,
        "reason": "The program asked for more GPU memory than was free.",
        "solution": ["Make the batch smaller.", "Ask for a larger GPU."],
        "trigger": "exit code 1; user log, line 3",
        "where": "/w/train.py:22",
        "runnersUp": [
            {
                "phrase": "PythonError",
                "category": "python-error",
                "file": "/logs/user-all/current",
                "line": 7,
                "rank": 1,
                "text": "KeyError: x",
            }
        ],
        "phases": {"start": 4.0, "start/storage": 2.9, "command": 12.0},
        "startedAt": "2026-01-02T03:04:05Z",
        **more,
    }


def excerpt(text: str, words: str, masker: Masker | None = None) -> Excerpt:
    log = Log(clean(text.encode("utf-8", "replace")))
    start = log.text.index(words.encode())
    return context.around("user log", log, Hit(start, start + len(words)), masker or Masker([]))


def page(document: dict[str, Any], *excerpts: Excerpt) -> bytes:
    return html_page.render(html_content.of_report(document, excerpts))


def test_it_tells_what_happened_who_must_act_and_what_to_do() -> None:
    found = Page(page(report(), excerpt("one\ntwo\nError: full\n", "Error")))
    assert found.text["title"] == ["gpu-oom: resnet, task worker-3 failed"]
    assert found.text["h1"] == ["gpu-oom"]
    assert found.text["p"][1] == "The program asked for more GPU memory than was free."
    assert found.text["li"] == [
        "ContainerCudaOOMKilled",
        "the job is to be changed",
        "a retry will not help",
        "97 % sure",
        "Make the batch smaller.",
        "Ask for a larger GPU.",
    ]
    assert found.text["h2"] == [
        "What to do",
        "What the logs say",
        "What else it might be",
        "Time",
        "Details",
    ]
    assert found.text["mark"] == ["Error"]
    assert found.text["p"][2] == "In your code: /w/train.py:22"
    assert "the command's own1" in [row.strip() for row in found.text["tr"]]


def test_what_else_it_might_be_has_the_line_that_says_so() -> None:
    found = Page(page(report()))
    assert found.text["h3"] == ["python-error (PythonError), in /logs/user-all/current"]
    assert found.text["code"] == ["KeyError: x"]
    assert "7" in found.text["span"]


def test_what_else_the_exit_code_says_has_none() -> None:
    row = {"phrase": "Killed", "category": "host-oom", "file": None, "line": None, "text": ""}
    found = Page(page(report(runnersUp=[row])))
    assert found.text["h3"] == ["host-oom (Killed)"]
    assert found.text["p"][-1] == "The exit code or the machine says so."
    assert "code" not in found.text


def test_what_is_out_of_order_on_the_machine_is_told_in_words() -> None:
    memory = {"oomKills": 1, "peakBytes": 4096, "limitBytes": 4096}
    found = Page(page(report(facts={"memory": memory})))
    assert "What the machine shows" in found.text["h2"]
    words = "processes that the kernel killed for memory: 1; the most was 4.0 KiB of 4.0 KiB"
    assert words in found.text["li"]


@pytest.mark.parametrize("facts", [{"memory": 1}, {"disks": [{"full": True}]}, {"gpus": "x"}, []])
def test_damaged_facts_are_not_told(facts: object) -> None:
    assert "What the machine shows" not in Page(page(report(facts=facts))).text["h2"]


def test_lines_are_numbered_and_the_match_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "current"
    path.write_text("one\nan Error: full\n")
    log = Log(path.read_bytes(), path)
    found = page(report(), context.around("user log", log, Hit(7, 12), Masker([]))).decode()
    assert '<div><span class="number">1</span><code>one</code></div>' in found
    assert (
        '<div class="hit"><span class="number">2</span>'
        "<code>an <mark>Error</mark>: full</code></div>"
    ) in found


def test_phases_are_a_bar_in_proportion() -> None:
    found = Page(page(report()))
    widths = [value for name, value in found.attributes if name == "style"]
    assert widths == ["width: 25.00%", "width: 75.00%"]
    assert [row for row in found.text["tr"] if row.endswith(" s")] == [
        "start4.00 s",
        "storage2.90 s",
        "command12.00 s",
    ]


@pytest.mark.parametrize("phases", [{}, None, [], {"start": 0}, {"start": "x"}, {"command": True}])
def test_without_known_phases_there_is_no_bar(phases: object) -> None:
    assert "Time" not in Page(page(report(phases=phases))).text["h2"]


def test_resources_are_told_where_they_are_known() -> None:
    facts = {"memory": {"limitBytes": 1024}, "disks": [{"path": "/w", "full": True}]}
    found = Page(page(report(facts=facts)))
    assert "Resources" in found.text["h2"]
    assert {"memorylimit 1.0 KiB", "disks: /wfull yes"} <= set(found.text["tr"])


@pytest.mark.parametrize(
    ("transient", "words"),
    [(True, "a retry may help"), (None, "nobody knows whether a retry helps")],
)
def test_it_tells_whether_a_retry_helps(transient: bool | None, words: str) -> None:
    assert words in Page(page(report(transient=transient))).text["li"]


def test_what_a_log_or_a_job_says_is_text_and_nothing_else() -> None:
    texts = dict.fromkeys(("job", "reason", "message", "phrase", "category", "trigger"), EVIL)
    more = {
        "solution": [EVIL],
        "runnersUp": [{"phrase": EVIL, "category": EVIL, "text": EVIL, "file": EVIL}],
        "where": EVIL,
        "phases": {EVIL.replace("/", ""): 1.0},
        "facts": {EVIL: EVIL},
        "plugin": EVIL,
    }
    found = Page(page(report(**texts, **more), excerpt(f"{EVIL}\nError\n", "Error")))
    assert found.text["code"][0] == EVIL
    assert found.text["p"][1] == EVIL
    names = {name for name, _ in found.attributes}
    assert names == {
        *("lang", "charset", "http-equiv", "content", "name", "class", "style", "aria-hidden")
    }


def test_it_needs_nothing_else_and_forbids_everything_else() -> None:
    text = page(report(), excerpt("Error\n", "Error")).decode()
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//|url\(|@import|<link|src=|href=", text)
    assert "@media (prefers-color-scheme: dark)" in text


def test_secrets_are_masked() -> None:
    quoted = excerpt("token hunter2&hunter2\nError\n", "Error", Masker(["hunter2&hunter2"]))
    text = page(report(), quoted).decode()
    assert "token ******" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("letter", ["&", '"', "\U0001d54f"])
def test_it_stays_small_whatever_the_failure_is(letter: str) -> None:
    long = letter * 50_000
    log = "\n".join([long] * 100 + [f"Error{long}"] + [long] * 100)
    row = {"phrase": long, "category": long, "text": long, "file": long, "line": 1}
    more: dict[str, Any] = {
        "facts": {
            **{f"{n}{long}": long for n in range(1000)},
            "mounts": [{"path": long, "reason": long}] * 100,
        },
        "phases": {f"{n}{long}": 1.0 for n in range(1000)},
        "runnersUp": [row] * 3,
        "solution": [long] * 100,
    }
    texts = dict.fromkeys(("job", "reason", "message", "phrase", "category", "trigger"), long)
    texts |= dict.fromkeys(("taskRole", "fault", "plugin", "startedAt", "where"), long)
    document = report(**more, **texts)
    quoted = excerpt(log, "Error")
    found = page(document, quoted, quoted)
    assert len(found) <= html_page.LIMIT
    assert "Error" in Page(found).text["mark"]


def test_where_lines_must_go_the_farthest_go_first() -> None:
    lines = [f"{n:03}" + "&" * 500 for n in range(40)]
    lines[20] = "Error" + "&" * 500
    found = Page(page(report(), excerpt("\n".join(lines), "Error"))).text["code"]
    assert found[0][:3] > "000"
    assert [line[:5] for line in found if line.startswith("Error")]
    assert len(found) < 36


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.binary(max_size=300))
def test_any_text_gives_a_well_formed_page(text: str, data: bytes) -> None:
    log = Log(clean(data + b"\n" + text.encode("utf-8", "replace")))
    quoted = context.around("log", log, Hit(len(log.text) // 3, len(log.text) // 2), Masker([]))
    document = report(reason=text, solution=[text], facts={text: [text, {text: text}]}, job=text)
    found = page(document, quoted, context.tail("log", log, Masker([])))
    Page(found)
    assert "\x00" not in found.decode()
