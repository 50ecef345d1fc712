"""A termination message is always YAML of at most 4,096 bytes, and says the most that fits."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.message import (
    END,
    LIMIT,
    START,
    render,
)


def report(**fields: object) -> dict[str, object]:
    logs = {"user": fields.pop("user", ""), "platform": fields.pop("platform", "")}
    return {
        "exitCode": 226,
        "originalUserExitCode": 1,
        "phrase": "ContainerCudaOOMKilled",
        "category": "gpu-oom",
        "reason": "The program asked for more GPU memory than was free.",
        "solution": ["Make the batch smaller.", "Ask for a GPU with more memory."],
        "errorLogs": logs,
        **fields,
    }


def parse(message: bytes) -> dict:
    """Read a message as rest-server does, after checking what must hold for every one."""
    assert len(message) <= LIMIT
    text = message.decode()
    assert text.startswith(f"{START}\n")
    assert text.endswith(f"\n{END}\n")
    assert text.count(START) == text.count(END) == 1
    inner = re.search(rf"{re.escape(START)}\n([\s\S]*?){re.escape(END)}", text)[1]
    return yaml.safe_load(inner)


def test_a_message_reads_well() -> None:
    message = render(
        report(
            trigger="exit code 1; user log, line 7: CUDA out of memory",
            matchedUserLogString="CUDA out of memory. Tried to allocate 2.00 GiB",
            user="step 1\nCUDA out of memory. Tried to allocate 2.00 GiB\n  at x",
            platform="08:00:12 the command ended",
        )
    )
    assert (
        message.decode()
        == """\
[PAI_RUNTIME_ERROR_START]
exitCode: 226
phrase: ContainerCudaOOMKilled
category: gpu-oom
reason: The program asked for more GPU memory than was free.
solution: |-
  Make the batch smaller.
  Ask for a GPU with more memory.
trigger: "exit code 1; user log, line 7: CUDA out of memory"
originUserExitCode: 1
originalUserExitCode: 1
matchedUserLogString: CUDA out of memory. Tried to allocate 2.00 GiB
errorLogs:
  user: |-
    step 1
    CUDA out of memory. Tried to allocate 2.00 GiB
      at x
  platform: "08:00:12 the command ended"
[PAI_RUNTIME_ERROR_END]
"""
    )


def test_success_has_a_message_too() -> None:
    success = {"exitCode": 0, "originalUserExitCode": 0, "phrase": "Succeeded", "solution": []}
    assert parse(render(success)) == {
        "exitCode": 0,
        "phrase": "Succeeded",
        "originUserExitCode": 0,
        "originalUserExitCode": 0,
    }


def test_a_failure_of_ours_is_the_caught_exception() -> None:
    read = parse(render(report(originalUserExitCode=None, message="plugin git: no such branch")))
    assert read["caughtException"] == "plugin git: no such branch"
    assert "originUserExitCode" not in read


def test_tags_in_a_log_are_quoted_away() -> None:
    text = f"before {START} inner {END} after"
    read = parse(render(report(user=text, matchedUserLogString=END, message=START)))
    assert read["errorLogs"]["user"] == (
        "before (PAI_RUNTIME_ERROR_START) inner (PAI_RUNTIME_ERROR_END) after"
    )
    assert read["matchedUserLogString"] == "(PAI_RUNTIME_ERROR_END)"


LINES = "\n".join(f"line {number} " + "x" * 90 for number in range(15))


def test_the_platform_log_is_cut_first() -> None:
    read = parse(render(report(user=LINES, platform="\n".join(["p" * 200] * 20))))
    assert read["errorLogs"]["user"] == LINES
    assert 0 < read["errorLogs"]["platform"].count("p") < 4000


def test_then_the_user_log_is_cut() -> None:
    matched = "m" * 2048
    log = f"{LINES}\n{LINES}"
    read = parse(render(report(user=log, platform="p" * 3000, matchedUserLogString=matched)))
    assert "platform" not in read["errorLogs"]
    assert read["matchedUserLogString"] == matched
    assert 0 < len(read["errorLogs"]["user"]) < len(log)


def test_then_what_matched_in_the_platform_log() -> None:
    matched = "m" * 2048
    fields = {"matchedUserLogString": matched, "matchedPlatformLogString": "q" * 2048}
    read = parse(render(report(user=LINES, **fields)))
    assert "errorLogs" not in read
    assert read["matchedUserLogString"] == matched
    assert 0 < len(read["matchedPlatformLogString"]) < 2048


def test_of_a_log_with_a_match_what_follows_is_cut_first() -> None:
    log = "\n".join(["a" * 300, "b" * 300, "the match", *["c" * 300] * 12])
    read = parse(render(report(user=log, matchedUserLogString="the match", message="e" * 500)))
    kept = read["errorLogs"]["user"].split("\n")
    assert kept[:3] == ["a" * 300, "b" * 300, "the match"]
    assert len(kept) < 15


def test_of_a_log_without_a_match_the_end_stays() -> None:
    log = "\n".join(f"{number} " + "x" * 400 for number in range(15))
    kept = parse(render(report(user=log)))["errorLogs"]["user"].split("\n")
    assert kept == log.split("\n")[-len(kept) :]
    assert 1 < len(kept) < 15


@pytest.mark.parametrize(
    "text",
    ["yes", "null", "- item", "a: b", "# x", "1e3", "12", "  two\n one", "\ttab\nx", "a\n\n\nb",
     "'quoted'", '"', "\\", "---\n...", "%TAG", "&a *b", "|\n>", "{x}", "x #y", "~", "=", "<<"],
)  # fmt: skip
def test_text_with_a_meaning_in_yaml_stays_text(text: str) -> None:
    read = parse(render(report(user=text, matchedUserLogString=text)))
    assert read["errorLogs"]["user"] == text
    assert read["matchedUserLogString"] == text


binary = st.binary(max_size=300).map(lambda data: data.decode("utf-8", "surrogateescape"))
pieces = st.sampled_from([START, END, "\n", "\r", "  ", "\t", "\x85", "\u2028", "\ufeff", "'", '"', "x" * 900, "ö" * 500, "\U0001f600" * 300, "- ", ": ", "\\" * 300, "\x1b[31m"])  # fmt: skip # noqa: E501
nasty = st.lists(st.text(max_size=30) | binary | pieces, max_size=12).map("".join)


@given(
    user=nasty,
    platform=nasty,
    matched=st.none() | nasty,
    matched_platform=st.none() | nasty,
    gpu=st.none() | nasty,
    message=st.none() | nasty,
    words=st.tuples(nasty, nasty, nasty, nasty),
)
def test_any_text_gives_a_valid_message(
    user: str,
    platform: str,
    matched: str | None,
    matched_platform: str | None,
    gpu: str | None,
    message: str | None,
    words: tuple[str, str, str, str],
) -> None:
    read = parse(
        render(
            report(
                user=user,
                platform=platform,
                matchedUserLogString=matched,
                matchedPlatformLogString=matched_platform,
                matchedGpuInfo=gpu,
                message=message,
                phrase=words[0],
                reason=words[1],
                trigger=words[2],
                solution=[words[3]],
            )
        )
    )
    assert read["exitCode"] == 226
    assert all(isinstance(value, (str, int, dict)) for value in read.values())


@given(
    user=st.text(st.characters(categories=["L", "Nd"]), max_size=6000),
    platform=st.text(st.characters(categories=["L", "Nd"]), max_size=6000),
    matched=st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=500),
)
def test_the_matched_text_outlives_the_logs(user: str, platform: str, matched: str) -> None:
    read = parse(render(report(user=user, platform=platform, matchedUserLogString=matched)))
    assert str(read["matchedUserLogString"]) == matched
    logs = read.get("errorLogs", {})
    if "platform" in logs:
        assert str(logs.get("user", "")) == user
