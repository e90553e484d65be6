"""A command that this process stands for: it gets the signals that come here, and its exit code becomes ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from mockserver.formats.json import quoted

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as shells have it
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGBREAK")
_OF_A_TERMINAL = ("SIGINT", "SIGQUIT", "SIGBREAK")


class CannotRun(Exception):
    """The command was not started; `code` is what a shell ends with then."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def end_on_signals() -> None:
    """Have a signal end this process in good order, as long as there is no command that it could be for."""
    _on_signals(lambda number: sys.exit(128 + number))


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, with the files of this process; its exit code, or 128 and the signal that ended it.

    Signals that come here are passed on to the command. Raises CannotRun.
    """
    early: list[int] = []
    _on_signals(early.append)
    process = _started(command, environment)
    _on_signals(lambda number: _pass_on(process, number))
    for number in early:
        _send(process, number)
    code = _ended(process)
    return code if code >= 0 else 128 - code


def _on_signals(act: Callable[[int], object]) -> None:
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # What this process was told to ignore, by nohup for example, the command is to ignore as well.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: act(number))


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who ignores it is not told how a command ended
    # CreateProcess does not find what PATH has as npm.cmd.
    program = (shutil.which(command[0]) or command[0]) if os.name == "nt" else command[0]
    try:
        # Files that this process was given, such as those of a shell's <(...), are the command's too.
        return subprocess.Popen([program, *command[1:]], env=environment, close_fds=False)  # noqa: S603 (its purpose)
    except OSError as error:
        raise _refusal(command[0], error) from None


def _refusal(name: str, error: OSError) -> CannotRun:
    missing = isinstance(error, FileNotFoundError)
    if missing and not shutil.which(name):
        return CannotRun(f"{quoted(name)} is neither a command on PATH nor a file", NOT_FOUND)
    cause = "the interpreter that its first line names is missing" if missing else error.strerror
    return CannotRun(f"{quoted(name)} cannot be executed: {cause}", NOT_EXECUTABLE)


def _ended(process: subprocess.Popen[bytes]) -> int:
    while True:
        # Not without an end: a signal that another thread gets would not wake up this one, which is to pass it on.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1)


def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
    if signal.Signals(number).name not in _OF_A_TERMINAL or not _in_the_foreground():
        _send(process, number)


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(OSError):  # it may run as another user
        process.send_signal(number)


def _in_the_foreground() -> bool:
    """Whether a key such as Ctrl-C has reached the command already: a terminal signals the whole foreground group."""
    if not hasattr(os, "tcgetpgrp"):
        return True  # so does a console of Windows
    with contextlib.suppress(OSError):  # there is no terminal
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
