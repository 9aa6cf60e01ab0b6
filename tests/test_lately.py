from hypothesis import given
from hypothesis import strategies as st

from estimates.lately import Lately


@given(st.lists(st.integers(0, 6)), st.integers(1, 5))
def test_the_values_asked_for_last_are_there_and_no_others(keys, most):
    kept, made = Lately(most), []
    for place, key in enumerate(keys):
        latest = list(dict.fromkeys(reversed(keys[:place])))[:most]
        before = len(made)
        assert kept.get(key, lambda key=key: made.append(key) or f"value of {key}") == f"value of {key}"
        assert (len(made) == before) == (key in latest)
        assert len(kept) <= most
