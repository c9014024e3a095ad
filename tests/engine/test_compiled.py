import pytest

from talentbank.engine import compiled


def test_where_nothing_can_be_kept_functions_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = compiled.njit

    def refusing(**options: bool) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return kept(**options)

    monkeypatch.setattr(compiled, "njit", refusing)

    def twice(number: int) -> int:
        return 2 * number

    assert compiled.compiled(twice)(21) == 42
