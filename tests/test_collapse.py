"""When a training run is to be ended, and what it was launched as."""

import pytest

from r1router.errors import InputError, R1RouterError
from r1router.train import launch
from r1router.train.grpo.collapse import Bounds, Watch

BOUNDS = Bounds(format_valid=0.8, kl=0.5, entropy=(0.1, 3.0), window=3)
SOUND = {"format_valid": 1.0, "kl": 0.1, "entropy": 1.0}


def seen(*logs):
    watch = Watch(BOUNDS)
    return watch, [watch.see(step, {**SOUND, **log}) for step, log in enumerate(logs, 1)]


def test_a_sound_run_goes_on():
    watch, reasons = seen({}, {}, {}, {})
    assert reasons == [""] * 4
    assert watch.sound == 0


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ({"format_valid": 0.2}, "format_valid of the last 3 logs is 0.733, below 0.8"),
        ({"kl": 2.0}, "kl of the last 3 logs is 0.733, above 0.5"),
        ({"entropy": -3.0}, "entropy of the last 3 logs is -0.333, below 0.1"),
        ({"entropy": 8.0}, "entropy of the last 3 logs is 3.33, above 3.0"),
        ({"kl": float("nan")}, "kl of the last 3 logs is nan, no number"),
    ],
)
def test_a_moving_average_out_of_its_bounds_is_a_collapse_and_says_which(log, reason):
    watch, reasons = seen({}, {}, {}, log)
    assert reasons[:3] == [""] * 3
    assert reasons[3] == f"the mean {reason}"
    assert watch.sound == 1  # steps 2 to 4 are in the window


def test_one_bad_log_in_a_full_window_is_not_a_collapse():
    assert seen({}, {}, {"format_valid": 0.5}, {}, {})[1] == [""] * 5


def test_nothing_is_judged_before_the_window_is_full():
    assert seen({"format_valid": 0.0}, {"format_valid": 0.0})[1] == ["", ""]


def test_what_is_not_logged_is_not_judged():
    watch = Watch(BOUNDS)
    assert [watch.see(step, {"kl": None, "loss": 7.0}) for step in range(5)] == [""] * 5


def test_the_first_reason_stays():
    watch, reasons = seen({}, {}, {"kl": 9.0}, {"format_valid": 0.0}, {"format_valid": 0.0})
    assert len(set(reasons[2:])) == 1
    assert watch.sound == 0


def test_a_run_that_goes_on_is_judged_by_what_it_had_logged_too():
    watch = Watch(BOUNDS)
    evaluated = {"step": 2, "eval_score": 0.1, "format_valid": 0.0}
    watch.recall([{**SOUND, "reward": 1.0, "step": 1}, evaluated, {**SOUND, "reward": 1.0, "step": 2, "kl": 1.0}])
    assert not watch.reason
    assert watch.see(3, {**SOUND, "kl": 1.0})
    assert watch.sound == 0


def test_a_run_that_had_collapsed_stays_so():
    watch = Watch(BOUNDS)
    watch.recall({**SOUND, "reward": 1.0, "step": step, "kl": 0.1 if step < 4 else 9.0} for step in range(1, 9))
    assert watch.reason.startswith("the mean kl of the last 3 logs is 3.07")
    assert watch.sound == 1


def test_what_is_kept_after_a_collapse_is_the_last_checkpoint_from_before(tmp_path):
    for step in (2, 4, 6):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    watch = Watch(BOUNDS)
    assert watch.last_sound(tmp_path) == tmp_path / "checkpoint-6"
    watch.reason, watch.sound = "it talks nonsense", 5
    assert watch.last_sound(tmp_path) == tmp_path / "checkpoint-4"
    watch.sound = 1
    with pytest.raises(R1RouterError, match="no checkpoint is from before that: it talks nonsense"):
        watch.last_sound(tmp_path)


def test_a_run_that_fell_back_to_one_process_says_how_to_launch_it():
    pytest.importorskip("accelerate")
    assert launch.check_processes() == 1
    assert launch.check_processes(processes=1) == 1
    with pytest.raises(InputError, match="torchrun --nproc_per_node 2"):
        launch.check_processes(processes=2)


def test_processes_that_do_not_train_together_are_an_error(monkeypatch):
    pytest.importorskip("accelerate")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="4 processes were launched and train as 1"):
        launch.check_processes()


def test_an_unknown_sharding_is_refused():
    with pytest.raises(InputError, match="none, ddp, fsdp, deepspeed"):
        launch.check_processes(sharding="zero")


def test_a_sharding_that_fell_back_is_an_error():
    accelerate = pytest.importorskip("accelerate")

    class Cpus:
        distributed_type = accelerate.DistributedType.MULTI_CPU

    launch.check_sharding(Cpus(), "ddp")
    launch.check_sharding(Cpus(), "")
    with pytest.raises(InputError, match="fsdp was asked for and it is ddp"):
        launch.check_sharding(Cpus(), "fsdp")
