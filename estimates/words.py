"""Numbers, dates and units as people write them, with no more digits than they deserve."""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN = "\N{EN DASH}"
"""Stands where there is no number."""

_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def place(spread: float, mcse: float = 0.0) -> float:
    """The power of ten that a number is rounded to: the coarser of what its spread and its error deserve.

    Two digits of the spread are kept, and none below the first digit of the Monte Carlo error:
    10^max(floor(log10 spread) - 1, floor(log10 mcse)).

    Parameters
    ----------
    spread : float
        The standard deviation, or half the width of the interval, in the unit of the number.
    mcse : float
        The Monte Carlo standard error, in the same unit; 0 if it plays no part.

    Returns
    -------
    float
        0 where neither tells anything.

    Examples
    --------
    >>> place(948_000), place(948_000, mcse=240_000), place(0.0123)
    (10000.0, 100000.0, 0.001)
    """
    powers = []
    if math.isfinite(spread) and spread > 0:
        powers.append(math.floor(math.log10(spread)) - 1)
    if math.isfinite(mcse) and mcse > 0:
        powers.append(math.floor(math.log10(mcse)))
    return 10.0 ** max(powers) if powers else 0.0


def number(value: float, spread: float = 0.0, mcse: float = 0.0) -> str:
    """A number rounded to its `place`, with thousands separated; four digits if nothing is known of it.

    Examples
    --------
    >>> number(2_134_567, spread=948_000), number(13_181.4, spread=2_310), number(0.31234, spread=0.02)
    ('2,130,000', '13,200', '0.312')
    >>> number(1234567), number(float("inf")), number(float("nan")) == UNKNOWN
    ('1,235,000', 'infinity', True)
    """
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "infinity" if value > 0 else "minus infinity"
    step = place(spread, mcse) or _four_digits(value)
    return _rounded(value, step)


def interval(lower: float, upper: float, mcse: float = 0.0) -> str:
    """The two ends of an interval, both rounded as its half width deserves.

    Examples
    --------
    >>> interval(1_042_000, 3_925_000), interval(-0.23, 0.31)
    ('1,000,000 to 3,900,000', '-0.23 to 0.31')
    """
    half = (upper - lower) / 2
    return f"{number(lower, half, mcse)} to {number(upper, half, mcse)}"


def seen(low: float, high: float) -> str:
    """The interval that a wording is read as; its upper end is the first number that is not in it.

    Examples
    --------
    >>> seen(6650.0, 6750.0), seen(13_000.0, float("inf"))
    ('6,650 to 6,750', '13,000 or more')
    """
    return f"{low:,.10g} or more" if math.isinf(high) else f"{low:,.10g} to {high:,.10g}"


def evidence(value: float, mcse: float) -> str:
    """A log evidence with its error, in hundredths: nothing hangs on less. Coarser where the error is.

    An error below a hundredth is told as one, which is how far the rounded number may be off.

    Examples
    --------
    >>> evidence(-8.3456, 0.0042), evidence(-8.3456, 0.0312), evidence(-8.3456, 0.26)
    ('-8.35 ± 0.01', '-8.35 ± 0.03', '-8.3 ± 0.3')
    """
    return f"{_rounded(value, max(place(0, mcse), 0.01))} ± {max(mcse, 0.01):.1g}"


def spoken(value: float, spread: float = 0.0, mcse: float = 0.0) -> str:
    """A number as in a sentence: from a million on, in millions.

    Examples
    --------
    >>> spoken(2_134_567, spread=948_000), spoken(13_181, spread=2_310)
    ('2.13 million', '13,200')
    """
    size, word = scale(value)
    return f"{number(value / size, spread / size, mcse / size)} {word}".strip()


def in_millions(text: str) -> str:
    """A text in which numbers from a million on are in millions, to the digit.

    Examples
    --------
    >>> in_millions("about 6,570,000"), in_millions("between 200,000 and 1,000,000")
    ('about 6.57 million', 'between 200,000 and 1 million')
    """

    def said(found: re.Match[str]) -> str:
        value = float(found[0].replace(",", ""))
        size, word = scale(value)
        return f"{value / size:,.10g} {word}"

    return re.sub(r"\d{1,3}(?:,\d{3}){2,}(?!\d)", said, text)


def spoken_interval(lower: float, upper: float, mcse: float = 0.0) -> str:
    """An interval as in a sentence.

    Examples
    --------
    >>> spoken_interval(1_042_000, 3_925_000), spoken_interval(900, 3100)
    ('1.0 to 3.9 million', '900 to 3,100')
    """
    size, word = scale(upper)
    return f"{interval(lower / size, upper / size, mcse / size)} {word}".strip()


def scale(value: float) -> tuple[float, str]:
    """The size in which a number is spoken, and its word: (1e6, "million"); (1.0, "") below a million."""
    if math.isfinite(value):
        for size, word in _SCALES:
            if abs(value) >= size:
                return size, word
    return 1.0, ""


def probability(value: float | None) -> str:
    """A probability in whole per cent; never 0 % or 100 %, which no simulation can say.

    Examples
    --------
    >>> probability(0.3149), probability(0.0), probability(0.9991), probability(None) == UNKNOWN
    ('31 %', 'under 1 %', 'over 99 %', True)
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 0.01:
        return "under 1 %"
    return "over 99 %" if value > 0.99 else f"{100 * value:.0f} %"


def span(probabilities: Sequence[float]) -> str:
    """The least and the largest of some probabilities.

    Examples
    --------
    >>> span([0.31, 0.58, 0.44]), span([0.001, 0.12]), span([0.93, 0.999]), span([0.3])
    ('31 % to 58 %', 'at most 12 %', '93 % or more', '30 %')
    """
    least, most = min(probabilities), max(probabilities)
    ends = list(dict.fromkeys(map(probability, (least, most))))
    if len(ends) == 2 and least < 0.01 and most <= 0.99:
        return f"at most {ends[1]}"
    return f"{ends[0]} or more" if len(ends) == 2 and most > 0.99 and least >= 0.01 else " to ".join(ends)


def stated(value: float | str) -> str:
    """A number with four digits, or a date as it is.

    Examples
    --------
    >>> stated(20.9137), stated(0.0528), stated(15_200.0), stated("2023-08-16")
    ('20.91', '0.0528', '15,200', '2023-08-16')
    """
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def one_in(chance: float) -> str:
    """A small probability as people say it.

    Examples
    --------
    >>> one_in(0.31), one_in(0.0123), one_in(2.4e-5), one_in(1e-12)
    ('1 in 3', '1 in 81', '1 in 42,000', 'less than 1 in a billion')
    """
    if not chance > 1e-9:
        return "less than 1 in a billion"
    return f"1 in {float(f'{1 / chance:.2g}'):,.0f}"


def odds(log_factor: float) -> str:
    """The log of a Bayes factor as odds.

    Examples
    --------
    >>> odds(4.8), odds(-0.7), odds(30.0)
    ('120 to 1', '1 to 2.0', 'more than a million to 1')
    """
    shown = math.exp(min(abs(log_factor), 700.0))
    rounded = f"{shown:.1f}" if shown < 9.95 else f"{float(f'{shown:.2g}'):,.0f}"
    if shown > 1e6:
        rounded = "more than a million"
    return f"{rounded} to 1" if log_factor >= 0 else f"1 to {rounded}"


def times_less(log_factor: float) -> str:
    """How much less probable something is, from the log of the factor, which is 0 or more.

    Examples
    --------
    >>> times_less(0.84), times_less(30.0)
    ('2.3 times less', 'more than a million times less')
    """
    return f"{odds(log_factor).removesuffix(' to 1')} times less"


def date_words(date: dt.date | str, *, short: bool = False) -> str:
    """A day as people write it, the same under every locale.

    Examples
    --------
    >>> date_words(dt.date(2024, 2, 26)), date_words("2024-08-27", short=True)
    ('26 February 2024', '27 Aug 2024')
    """
    day = dt.date.fromisoformat(date) if isinstance(date, str) else date
    month = _MONTHS[day.month - 1]
    return f"{day.day} {month[:3] if short else month} {day.year}"


def units(unit: str) -> str:
    """The unit of many: container -> containers, container/day -> containers/day; kg stays.

    Examples
    --------
    >>> [units(unit) for unit in ("round", "container/day", "box", "kg/round", "short_ton", "dimensionless")]
    ['rounds', 'containers/day', 'boxes', 'kg/round', 'short tons', '']
    """
    if unit in ("dimensionless", "date"):
        return ""
    head, slash, rest = unit.partition("/")
    return f"{_plural(head.strip())}{slash}{rest}".replace("_", " ")


def label(name: str, says: str = "", *, longest: int = 40) -> str:
    """What a name is called in a picture: the first clause of what it says, else the name itself.

    Examples
    --------
    >>> label("shells_152", "152 mm rounds as they travel: packed, in boxes"), label("shells_152")
    ('152 mm rounds as they travel', 'shells 152')
    """
    clause = re.split(r"[:;,(]", says, maxsplit=1)[0].strip()
    return clause if 0 < len(clause) <= longest else name.replace("_", " ")


def listed(parts: Sequence[str]) -> str:
    """Parts as a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def prior(fields: Mapping[str, Any]) -> str:
    """A prior in words, from its fields as a study states them.

    Examples
    --------
    >>> prior({"family": "normal", "q05": 9.5, "q95": 20.0, "lower": 5.0, "upper": 21.75})
    'normal, 5 % below 9.5 and 95 % below 20, cut off below 5 and above 21.75'
    >>> prior({"family": "uniform", "lower": dt.date(2022, 6, 1), "upper": dt.date(2022, 8, 31)})
    'uniform, from 1 June 2022 to 31 August 2022'
    """
    stated = {name: _stated(value) for name, value in fields.items() if name != "family"}
    family = {"halfnormal": "half-normal", "student_t": "Student t"}.get(
        fields["family"], str(fields["family"])
    )
    if fields["family"] == "fixed":
        return f"fixed at {stated['value']}"
    if fields["family"] == "uniform":
        return f"uniform, from {stated['lower']} to {stated['upper']}"
    if "df" in stated:
        family += f" with {stated['df']} degrees of freedom"
    levels = [
        f"{share} below {stated[name]}" for name, share in (("q05", "5 %"), ("q95", "95 %")) if name in stated
    ]
    bounds = [
        f"{side} {stated[name]}" for name, side in (("lower", "below"), ("upper", "above")) if name in stated
    ]
    cut = f"cut off {listed(bounds)}" if bounds else ""
    return ", ".join(filter(None, (family, listed(levels), cut)))


def _stated(value: Any) -> str:
    return date_words(value) if isinstance(value, dt.date) else f"{value:,.10g}"


def _four_digits(value: float) -> float:
    return 10.0 ** (math.floor(math.log10(abs(value))) - 3) if value else 1.0


def _rounded(value: float, step: float) -> str:
    decimals = max(0, -round(math.log10(step)))
    if decimals > 8 or abs(value) >= 1e16:
        return f"{value:.2e}"
    rounded = round(value / step) * step + 0.0  # no minus zero
    return f"{rounded:,.{decimals}f}"


def _plural(word: str) -> str:
    if word == "foot":
        return "feet"
    if not re.fullmatch(r"[a-z_]{3,}", word) or not re.search("[aeiou]", word) or word.endswith("s"):
        return word
    if re.search(r"(x|ch|sh|z)$", word):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def story_label(model: str, variant: str | None) -> str:
    """A model under a reading of its study.

    >>> story_label("steady", None), story_label("steady", "mid_2022")
    ('steady', 'steady (mid_2022)')
    """
    return f"{model} ({variant})" if variant else model


def titled(title: str, variant: str | None) -> str:
    """The title of a study, with the reading if it is not its own.

    >>> titled("Shells shipped", None), titled("Shells shipped", "mid_2022")
    ('Shells shipped', 'Shells shipped, read as mid_2022')
    """
    return f"{title}, read as {variant}" if variant else title


def together(names: Sequence[str], rank_correlation: float) -> str:
    """That two assumptions go together.

    >>> together(("payload", "packed_mass_152"), -0.3)
    'payload and packed_mass_152 go together: rank correlation -0.3'
    """
    return f"{listed(names)} go together: rank correlation {rank_correlation:g}"


def trusted(found: Mapping[str, Any], log_evidence: Mapping[str, float] | None = None) -> str:
    """The verdict on a fit with what it rests on, a sentence.

    >>> trusted({"verdict": "good", "ess": 9012.3, "pareto_k": 0.214, "r_hat": None})
    'Trust: good (9,012 effective draws, Pareto k-hat 0.21).'
    """
    shown = [f"{found['ess']:,.0f} effective draws"]
    if found["pareto_k"] is not None:
        shown.append(f"Pareto k-hat {found['pareto_k']:.2f}")
    if found["r_hat"] is not None:
        shown.append(f"R-hat {found['r_hat']:.3f}")
    if log_evidence:
        shown.append(f"log evidence {evidence(log_evidence['value'], log_evidence['mcse'])}")
    return f"Trust: {found['verdict']} ({', '.join(shown)})."
