"""Tracebacks of every form are read, whoever wrote them and whatever stands before their lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading import tracebacks
from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading.raised import Frame

PLAIN = """\
Traceback (most recent call last):
  File "train.py", line 9, in <module>
    main()
  File "/venv/lib/python3.11/site-packages/torch/x.py", line 3, in f
    raise RuntimeError("no")
RuntimeError: no
"""
CHAINED = """\
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    d["k"]
KeyError: 'k'

{link} exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    raise ValueError("v")
ValueError: v
"""


def read(text: str) -> list[tuple[str | None, list[str]]]:
    """Return rank and exceptions of each traceback."""
    found = tracebacks.find(text.encode())
    return [(each.rank, [raised.text for raised in each.chain]) for each in found]


def with_prefix(prefix: str, text: str = PLAIN) -> str:
    return "".join(f"{prefix}{line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("prefix", "rank"),
    [
        ("", None),
        ("[rank3]: ", "3"),
        ("[default0]:", "0"),
        ("[1,2]<stderr>:", "2"),
        ("0: ", "0"),
        (" 12: ", "12"),
        ("0: [rank0]: ", "0"),
        ("(train_func pid=812, ip=10.0.0.1) ", None),
        ("(pid=12) ", None),
        ("2024-01-01T00:00:00.123456789Z ", None),
        ("2024-01-01T00:00:00.1Z stderr F ", None),
        ("worker-1  | ", "1"),
        ("node-7: ", "7"),
        ("node-7: [rank1]: ", "1"),
    ],
)
def test_a_prefix_of_every_line_is_no_part_of_it(prefix: str, rank: str | None) -> None:
    text = f"{prefix}step 1\n{with_prefix(prefix)}{prefix}bye\n"
    (found,) = tracebacks.find(text.encode())
    assert [raised.text for raised in found.chain] == ["RuntimeError: no"]
    assert found.rank == rank
    assert found.chain[0].frame == Frame("train.py", 9)


@pytest.mark.parametrize(
    "link",
    ["During handling of the above", "The above exception was the direct cause of the following"],
)
def test_exceptions_that_follow_from_each_other_are_one_traceback(link: str) -> None:
    assert read(CHAINED.format(link=link)) == [(None, ["KeyError: 'k'", "ValueError: v"])]


def test_ranks_that_write_through_each_other_are_told_apart() -> None:
    lines = zip(
        with_prefix("[rank0]: ").splitlines(),
        with_prefix("[rank1]: ", PLAIN.replace("no", "yes")).splitlines(),
        strict=True,
    )
    text = "\n".join(line for pair in lines for line in pair)
    assert read(text) == [("0", ["RuntimeError: no"]), ("1", ["RuntimeError: yes"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '  File "a.py", line 2\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n',
            ["SyntaxError: invalid syntax"],
            id="a syntax error has no first line",
        ),
        pytest.param(
            '    f()\n  File "b.py", line 2, in g\n    h()\nOSError: gone\n',
            ["OSError: gone"],
            id="the beginning is cut off",
        ),
        pytest.param(
            "-----\nZeroDivisionError                 Traceback (most recent call last)\n"
            "<ipython-input-1-9e> in <module>\n----> 1 1/0\n\nNote: 5\n"
            "ZeroDivisionError: division by zero\n",
            ["ZeroDivisionError: division by zero"],
            id="a notebook",
        ),
        pytest.param(
            "╭──── Traceback (most recent call last) ────╮\n│ /a/b.py:3 in main          │\n"
            "│   2                        │\n╰───────────╯\nTypeError: no\n",
            ["TypeError: no"],
            id="rich",
        ),
        pytest.param(
            "  + Exception Group Traceback (most recent call last):\n"
            '  |   File "a.py", line 3, in <module>\n  | ExceptionGroup: two (1 sub-exception)\n'
            "  +-+---------------- 1 ----------------\n"
            "    | Traceback (most recent call last):\n"
            '    |   File "a.py", line 9, in f\n    | ValueError: x\n',
            ["ExceptionGroup: two (1 sub-exception)", "ValueError: x"],
            id="a group",
        ),
        pytest.param(
            'multiprocessing.pool.RemoteTraceback: \n"""\n' + PLAIN + '"""\n\n'
            "The above exception was the direct cause of the following exception:\n\n" + PLAIN,
            ["RuntimeError: no", "RuntimeError: no"],
            id="another process quoted",
        ),
        pytest.param(
            'ray::f() (pid=1, ip=1.2.3.4)\n  File "w.py", line 2, in f\n    import y\n'
            "ModuleNotFoundError: No module named 'y'\n",
            ["ModuleNotFoundError: No module named 'y'"],
            id="a worker of Ray",
        ),
        pytest.param(
            PLAIN.replace(
                "RuntimeError: no", "ray.exceptions.RayTaskError(OSError): ray::f()\nOSError: full"
            ),
            ["ray.exceptions.RayTaskError(OSError): ray::f()", "OSError: full"],
            id="an exception quoted in a message",
        ),
        pytest.param(
            PLAIN.replace("RuntimeError: no", "torch.cuda.errors.Weird"),
            ["torch.cuda.errors.Weird"],
            id="no message",
        ),
        pytest.param(PLAIN.replace("RuntimeError: no\n", ""), [], id="the end is cut off"),
        pytest.param("Error: x\nValueError: y\nstep 1\n", [], id="no traceback"),
        pytest.param(
            "Error executing job\nomegaconf.errors.KeyError: no lr\n    key: lr\n",
            ["omegaconf.errors.KeyError: no lr"],
            id="Hydra leaves the traceback out",
        ),
        pytest.param(
            ">   assert f(2) == 5\nE   assert 4 == 5\nE    +  where 4 = f(2)\n\n"
            "tests/test_a.py:9: AssertionError\n",
            ["AssertionError: assert 4 == 5"],
            id="pytest",
        ),
    ],
)
def test_every_form_is_read(text: str, expected: list[str]) -> None:
    assert [raised for _, chain in read(text) for raised in chain] == expected


def test_the_message_goes_on_to_what_is_news() -> None:
    text = PLAIN.replace("no\n", "no\nmore\n\tstill\n") + "E0101 10:00:00.1 x.py:1] failed\n"
    (found,) = tracebacks.find(text.encode())
    assert text[found.last :].startswith("\tstill\n")


@pytest.mark.parametrize(
    ("before", "handled", "ignored"),
    [
        ("--- Logging error ---\n", True, False),
        ("Exception ignored in: <function f>\n", True, True),
        ("step 1\n", False, False),
    ],
)
def test_what_python_goes_on_after_is_told(before: str, handled: bool, ignored: bool) -> None:
    (found,) = tracebacks.find((before + PLAIN).encode())
    assert (found.handled, found.ignored) == (handled, ignored)


def test_in_a_long_log_tracebacks_are_found_at_both_ends() -> None:
    filler = b"step 1 loss 2\n" * 100_000
    text = PLAIN.encode() + filler + PLAIN.replace("no", "late").encode() + filler
    found = tracebacks.find(text)
    assert [each.chain[0].message for each in found] == ["no", "late"]
    assert [text[each.chain[0].place :][:12] for each in found] == [b"RuntimeError"] * 2


pieces = st.sampled_from([*PLAIN.splitlines(), "", '"""', "step 1", "[rank0]: x", "KeyError: 1"])


@given(lines=st.lists(pieces, max_size=30), prefix=st.sampled_from(["", "[rank1]: ", "| "]))
def test_no_text_is_an_error(lines: list[str], prefix: str) -> None:
    text = "\n".join(prefix + line for line in lines).encode()
    for found in tracebacks.find(text):
        assert 0 <= found.first <= found.last <= len(text)


def test_a_prefix_with_the_time_of_each_line_is_none_of_the_line() -> None:
    lines = [
        f"ERROR 2024-08-02T10:19:09.{number}Z pool0-1 {line}"
        for number, line in enumerate(PLAIN.splitlines(), start=440)
    ]
    (found,) = tracebacks.find("\n".join(lines).encode())
    assert (found.process, found.chain[-1].text) == ("ERROR  pool0-1", "RuntimeError: no")


@pytest.mark.parametrize(
    ("before", "ignored"),
    [
        pytest.param("exception in worker, item put back:", True, id="put back"),
        pytest.param("ERROR: could not decode a.mp4, sample replaced", True, id="replaced"),
        pytest.param("11284 molecules, 37 skipped", False, id="no failure was told"),
        pytest.param("WARNING Error checking CUDA", False, id="a warning, which is handled"),
    ],
)
def test_an_exception_that_the_program_says_it_does_not_mind(before: str, ignored: bool) -> None:
    (found,) = tracebacks.find(f"{before}\n{PLAIN}".encode())
    assert found.ignored is ignored


def test_an_exception_that_is_told_as_a_warning_was_handled() -> None:
    (found,) = tracebacks.find(f"WARNING Error checking CUDA version\n{PLAIN}".encode())
    assert found.handled
    (found,) = tracebacks.find(f"UserWarning: this is slow\n{PLAIN}".encode())
    assert not found.handled
