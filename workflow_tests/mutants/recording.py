"""Plugins of pytest: what each test calls and how long it takes; and the same tests again, on a fault, with what is shared at hand."""

import os
import pickle
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

# Fixtures that take long and hold none of the faults: made once, on the code as it is.
SHARED = ("tiny_text", "tiny_model")


class Recorder:
    """Notes which functions of the package each test calls, in its fixtures too, and the time it takes."""

    def __init__(self, package: Path) -> None:
        self.package = str(package)
        self.called: set[tuple[str, str]] = set()
        self.by_fixture: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.by_test: dict[str, set[tuple[str, str]]] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.shared: dict[str, Any] = {}

    def trace(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code.co_filename.startswith(self.package):
            self.called.add((code.co_filename, code.co_qualname.partition(".<locals>")[0]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.called = set()
        sys.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            fixtures = [self.by_fixture[name] for name in getattr(item, "fixturenames", ()) if name not in SHARED]
            self.by_test[item.nodeid] = self.called.union(*fixtures)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef) -> Iterator[Any]:
        outer, self.called = self.called, set()
        value = yield
        if fixturedef.argname in SHARED:
            self.shared[fixturedef.argname] = pickle.dumps(value)
        else:
            self.by_fixture[fixturedef.argname] |= self.called
            outer |= self.called
        self.called = outer
        return value

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


class Restored:
    """Gives tests the shared fixtures that the recorded run made."""

    def __init__(self, shared: dict[str, bytes]) -> None:
        self.shared = shared

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> Any:
        if fixturedef.argname not in self.shared:
            return None
        value = pickle.loads(self.shared[fixturedef.argname])
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value


def run_tests(arguments: list[str], plugin: object, temporary: Path, log: Path) -> int:
    """Run pytest with its output in a file; returns its exit code."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # pytest would load a file of docstring examples past the loader, so as to rewrite its assertions, and with it past the fault.
    options = ["-q", "--no-header", "--assert=plain", "--durations=0", f"--basetemp={temporary}"]
    return int(pytest.main([*arguments, *options], plugins=[plugin]))
