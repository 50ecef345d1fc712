"""What the program survived is told from what ended it."""

from __future__ import annotations

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai.exit.reading import progress

MARK = "something like an error\n"


@pytest.mark.parametrize(
    ("before", "after", "survived"),
    [
        pytest.param("step 1 loss 3\n", "step 2 loss 3\nstep 3 loss 2\n", True, id="two steps"),
        pytest.param("step 1 loss 3\n", "step 2 loss 3\n", False, id="one may be another rank's"),
        pytest.param("", "", False, id="nothing follows"),
        pytest.param(
            "", " 1%|  | 1/100 [00:01<00:09]\r 2%|  | 2/100 [00:02<00:09]\r", True, id="a bar"
        ),
        pytest.param(
            " 1%|  | 1/100 [00:01<00:09]\r",
            " 1%|  | 1/100 [00:09<00:09]\n 1%|  | 1/100 [00:09<00:09]\n",
            False,
            id="a bar that is only drawn again",
        ),
        pytest.param(
            "step 10 loss 3\n",
            "step 1 loss 3\nstep 2 loss 3\nstep 3 loss 2\n",
            True,
            id="begun anew",
        ),
        pytest.param("", "Model saved to /out\n", True, id="something was finished"),
        pytest.param("", "attempt 2 succeeded\n", True, id="a retry"),
        pytest.param("Epoch 2/300\n", "Epoch 3/300\n", True, id="the next epoch"),
        pytest.param("Epoch 2/300\n", "Epoch 2/300\n", False, id="the same epoch of another"),
        pytest.param("", "1200/1200 done, pass@1 = 0.713\n", True, id="all of them"),
        pytest.param("", "it  200 rmse 3.412\nit  400 rmse 3.106\n", True, id="other words"),
        pytest.param("", "Model could not be saved to /out\n", False, id="not finished"),
        pytest.param("", "Killed before training finished\n", False, id="negated"),
        pytest.param("", "error at step 3\nfailed at step 4\n", False, id="steps without figures"),
        pytest.param(
            "", "{'loss': 0.4, 'epoch': 1.2}\n{'loss': 0.3, 'epoch': 2.4}\n", True, id="a dict"
        ),
        pytest.param(
            "", "1/9 [====>....] - ETA: 1:23\r2/9 [====>....] - ETA: 1:22\n", True, id="Keras"
        ),
    ],
)
def test_work_that_goes_on(before: str, after: str, survived: bool) -> None:
    found = progress.find((before + MARK + after).encode())
    assert found.survived(len(before)) is survived


@pytest.mark.parametrize(
    ("end", "good"),
    [
        pytest.param("a\nb\nc\nall done in 49.3 s\n", True, id="done"),
        pytest.param("a\nb\nwrote /reports/x.html\nfinished\n", True, id="finished"),
        pytest.param("a\nb\nc\n0 errors, 0 warnings\n", True, id="no errors"),
        pytest.param("saved a\nb\nc\nd\ne\n", False, id="done long ago"),
        pytest.param("a\nb\nwrote x\nexit status 1\n", False, id="its end says otherwise"),
        pytest.param("a\nb\nsaved x\nConnection refused\n", False, id="a failure follows"),
        pytest.param("a\nb\nc\nJob finished at Mon Nov 24\n", False, id="a scheduler's epilogue"),
        pytest.param("a\nb\nc\nUploading artifacts: done\n", False, id="tidied up"),
        pytest.param("saved x\n", False, id="too near"),
        pytest.param("error\n[tool] exit 0\n", True, id="the very end says all"),
    ],
)
def test_a_good_end_clears_what_stands_before_it(end: str, good: bool) -> None:
    assert progress.find((MARK + end).encode()).survived(0) is good


def test_steps_are_counted_in_all_that_they_count() -> None:
    log = f"epoch 7, step 31, loss 3\n{MARK}epoch 7, step 32, loss 3\nepoch 7, step 33, loss 2\n"
    assert progress.find(log.encode()).survived(log.index(MARK))


def test_what_other_processes_do_says_nothing_where_they_are_told_apart() -> None:
    log = f"w-0 | {MARK}w-1 | step 1 loss 3\nw-1 | step 2 loss 3\nw-1 | step 3 loss 2\n".encode()
    assert not progress.find(log).survived(0, "w-0 |")
    assert progress.find(log).survived(0, "w-1 |")
    assert progress.find(log).survived(0)


@pytest.mark.parametrize(
    ("after", "survived"),
    [
        pytest.param("Model saved to /out\n", False, id="what is left is saved"),
        pytest.param("a\nb\nc\nall done\n", False, id="tidied up"),
        pytest.param("training finished\n", True, id="all of the work is done"),
        pytest.param("8 passed, 1 skipped in 12.04s\n", True, id="tests that passed"),
        pytest.param("step 4 loss 3\nstep 5 loss 2\n", True, id="it went on"),
    ],
)
def test_an_unhandled_exception_takes_more_to_be_survived(after: str, survived: bool) -> None:
    log = f"step 3 loss 3\n{MARK}{after}"
    assert progress.find(log.encode()).survived(log.index(MARK), raised=True) is survived


def test_a_job_that_was_preempted_and_completed_is_told_from_one_that_saved_its_state() -> None:
    assert progress.find(
        f"{MARK}`Trainer.fit` stopped: `max_steps=7` reached.\n".encode()
    ).completed(0)
    assert not progress.find(f"{MARK}checkpoint saved\n".encode()).completed(0)


def test_a_step_is_not_taken_for_one_in_the_parameters_of_a_finished_trial() -> None:
    line = "Trial 4 finished with value: 0.7190 and parameters: {'batch': 8, 'lr': 0.00044}.\n"
    assert progress.find((MARK + line).encode()).survived(0, raised=True)
