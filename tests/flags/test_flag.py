"""Asking for flags: for whom, where they are read from, and when they are read again."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import flags
from runtime.flags import FlagError, UnknownFlag, flag, overridden

ROOT = Path(__file__).resolve().parents[2]
FLAGS = """\
version: 1
flags:
  predictive_loading:
    default: false
    machines: {pc2: true}
    agents: {TieredResponder: true, TieredResponder@pc2: false}
  beam_width: {default: 4}
  share: {default: 0.5}
  translator: {default: nllb, choices: [nllb, google]}
"""
PORTS = """\
version: 1
machines: {main_pc: {paths: [main_pc_code]}, pc2: {paths: [pc2_code]}}
ports: {}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The flags of this process, and of programs in its folder."""
    for name in [name for name in os.environ if name.startswith("UNSNARL_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ports.yaml").write_text(PORTS)
    there = tmp_path / "config" / "feature_flags.yaml"
    write(there, FLAGS)
    monkeypatch.setenv("UNSNARL_FLAGS", str(there))
    flags.reload()
    yield there
    flags.reload()


def write(file: Path, text: str, age: float = 60) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    os.utime(fresh, (time.time() - age, time.time() - age))
    fresh.replace(file)


def test_what_a_flag_is(file: Path) -> None:
    assert flag("predictive_loading") is False
    assert flag("predictive_loading", machine="pc2") is True
    assert flag("predictive_loading", agent="TieredResponder") is True
    assert flag("predictive_loading", agent="TieredResponder", machine="pc2") is False
    assert (flag("beam_width", int), flag("share", float), flag("translator", str)) == (4, 0.5, "nllb")
    assert (flag("beam_width", float), type(flag("beam_width", float))) == (4.0, float)


def test_a_flag_that_is_not_there(file: Path) -> None:
    with pytest.raises(UnknownFlag) as caught:
        flag("predictive_loadnig")
    assert str(caught.value) == f"{file} has no flag `predictive_loadnig`; did you mean `predictive_loading`?"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (UnknownFlag, str(caught.value))


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda: flag("beam_width"), "`beam_width` is a whole number ({file}:7): ask for flag('beam_width', int)"),
        (lambda: flag("share", int), "`share` is a number ({file}:8): ask for flag('share', float)"),
        (lambda: flag("translator"), "`translator` is a text ({file}:9): ask for flag('translator', str)"),
        (
            lambda: flag("predictive_loading", str),
            "`predictive_loading` is a switch ({file}:3): ask for flag('predictive_loading')",
        ),
        (lambda: flag(5), "a flag has a name such as 'predictive_loading', not 5"),  # type: ignore[call-overload]
    ],
    ids=["int", "float", "str", "bool", "name"],
)
def test_a_flag_of_another_kind(ask: Callable[[], object], problem: str, file: Path) -> None:
    with pytest.raises(TypeError) as caught:
        ask()
    assert str(caught.value) == problem.format(file=file)


def test_the_environment_comes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_FLAG_PREDICTIVE_LOADING", "on")
    monkeypatch.setenv("UNSNARL_FLAG_beam_width", "8")
    assert flag("beam_width", int) == 4 or flags.reload() is None
    flags.reload()
    assert flag("predictive_loading", agent="TieredResponder", machine="pc2") is True
    assert flag("beam_width", int) == 8


def test_a_variable_that_means_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_FLAG_TRANSLATOR", "deepl")
    flags.reload()
    with pytest.raises(FlagError) as caught:
        flag("predictive_loading")
    assert str(caught.value) == "environment: `UNSNARL_FLAG_TRANSLATOR`: `deepl` is none of `nllb`, `google`"


def test_a_variable_of_no_flag_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("UNSNARL_FLAG_BEAM_WITH", "8")
    flags.reload()
    assert flag("beam_width", int) == 4
    assert caplog.messages == [f"UNSNARL_FLAG_BEAM_WITH sets no flag of {file}; did you mean `beam_width`?"]


def test_the_agent_and_the_machine_of_a_program(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_AGENT", "TieredResponder")
    flags.reload()
    assert flag("predictive_loading") is True
    assert flag("predictive_loading", agent="Another") is False
    monkeypatch.setenv("UNSNARL_MACHINE", "pc2")
    flags.reload()
    assert (flag("predictive_loading"), flag("predictive_loading", agent="Another")) == (False, True)


def run(script: Path, **changes: str) -> str:
    env = {name: text for name, text in os.environ.items() if name != "UNSNARL_FLAGS"}
    done = subprocess.run(
        [sys.executable, script],
        env={**env, "PYTHONPATH": str(ROOT), **changes},
        cwd=Path(script.anchor),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_machine_is_the_one_whose_folder_holds_who_asks(file: Path) -> None:
    for folder, expected in (("main_pc_code", "False"), ("pc2_code", "True"), ("tools", "False")):
        script = file.parents[1] / folder / "agent.py"
        script.parent.mkdir()
        script.write_text("from runtime.flags import flag\nprint(flag('predictive_loading'))\n")
        assert run(script).strip() == expected, folder


def test_a_program_that_has_a_config_of_its_own(file: Path) -> None:
    (file.parents[1] / "config.py").write_text("OURS = 'the tree'\n")
    script = file.parents[1] / "agent.py"
    script.write_text(
        "from runtime.flags import FlagError, flag\nprint(flag('beam_width', int), FlagError)\n"
        "import config, pickle, sys\nprint(config.OURS)\n"
        "print(type(pickle.loads(pickle.dumps(FlagError(None, 'K', 0, 'p')))) is FlagError)\n"
    )
    assert run(script) == "4 <class 'runtime.flags.FlagError'>\nthe tree\nTrue\n"


def test_no_file_of_flags(tmp_path: Path) -> None:
    script = tmp_path / "agent.py"
    script.write_text(
        "from runtime.flags import FlagError, flag\ntry:\n    flag('a')\nexcept FlagError as error:\n    print(error)\n"
    )
    told = (
        f"feature flags: there is no config/feature_flags.yaml in or above {tmp_path} or /; write one, or name it in "
    )
    assert run(script) == f"{told}UNSNARL_FLAGS\n"


def test_a_file_that_was_changed_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "_PAUSE", 0.01)
    flags.reload()
    assert flag("beam_width", int) == 4
    write(file, FLAGS.replace("default: 4", "default: 5"))
    time.sleep(0.02)
    assert flag("beam_width", int) == 5


def test_a_file_that_is_being_written_is_left_alone_for_a_while(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "_PAUSE", 0.5)
    flags.reload()
    assert flag("beam_width", int) == 4
    write(file, "version: 1\nfl", age=0)
    time.sleep(0.1)
    assert flag("beam_width", int) == 4
    write(file, FLAGS.replace("default: 4", "default: 5"), age=0)
    deadline = time.monotonic() + 30
    while flag("beam_width", int) == 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert flag("beam_width", int) == 5


@pytest.mark.parametrize("text", ["version: 1\nflags: [", None], ids=["wrong", "gone"])
def test_what_was_said_before_stays_while_the_file_is_wrong(
    text: str | None, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(flags, "_PAUSE", 0.01)
    flags.reload()
    assert flag("beam_width", int) == 4
    if text is None:
        file.unlink()
    else:
        write(file, text)
    for _ in range(3):
        time.sleep(0.02)
        assert flag("beam_width", int) == 4
    (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert told.getMessage().startswith(str(file))
    assert told.getMessage().endswith(". What the flags were before stays in force")
    write(file, FLAGS.replace("default: 4", "default: 6"))
    time.sleep(0.02)
    assert flag("beam_width", int) == 6


def test_flags_are_overridden_for_a_test(file: Path) -> None:
    with overridden(predictive_loading=True, beam_width=1):
        assert (flag("predictive_loading", agent="A", machine="m"), flag("beam_width", int)) == (True, 1)
        with overridden(beam_width=2):
            assert flag("beam_width", int) == 2
        assert flag("beam_width", int) == 1
    assert (flag("predictive_loading"), flag("beam_width", int)) == (False, 4)

    @overridden(beam_width=3)
    def width() -> int:
        return flag("beam_width", int)

    assert (width(), flag("beam_width", int)) == (3, 4)


def test_flags_are_overridden_for_the_file_that_asks(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = file.parents[1] / "tests" / "run.py"
    script.parent.mkdir()
    script.write_text(
        "from runtime.flags import flag, overridden\n\n\n@overridden(beam_width=1)\ndef width():\n"
        "    return flag('beam_width', int)\n\n\nprint(width())\nwith overridden(beam_width=2):\n"
        "    print(flag('beam_width', int))\n"
    )
    # Neither the program nor the current folder leads to the flags.
    main = tmp_path_factory.mktemp("elsewhere") / "start.py"
    main.write_text(f"import runpy\nrunpy.run_path({str(script)!r})\n")
    assert run(main) == "1\n2\n"


def test_what_a_flag_cannot_be_overridden_with(file: Path) -> None:
    with pytest.raises(UnknownFlag, match="did you mean `beam_width`"), overridden(beam_with=1):
        pass
    with pytest.raises(TypeError, match="is a whole number"), overridden(beam_width=True):
        pass
    with pytest.raises(TypeError, match="is one of `nllb`, `google`"), overridden(translator="deepl"):
        pass
    assert flag("beam_width", int) == 4


def test_threads_ask_while_the_file_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "_PAUSE", 0.001)
    flags.reload()
    seen: set[int] = set()
    problems: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                seen.add(flag("beam_width", int))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for width in range(10, 20):
        write(file, FLAGS.replace("default: 4", f"default: {width}"), age=100 + width)
        time.sleep(0.01)
    stop.set()
    for one in threads:
        one.join()
    assert not problems
    assert seen <= {4, *range(10, 20)}
    assert flag("beam_width", int) == 19


def _asked(_: int) -> int:
    return flag("beam_width", int)


def test_a_child_that_was_forked_asks_too(file: Path) -> None:
    assert flag("beam_width", int) == 4
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_asked, range(4)) == [4] * 4
