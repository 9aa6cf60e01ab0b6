"""The grammar of formulas and claims: parsed by hand, never evaluated by Python.

    statement  = comparison { "and" comparison }
    comparison = sum ( "<" | "<=" | ">" | ">=" ) sum
    sum        = product { ( "+" | "-" ) product }
    product    = signed { ( "*" | "/" ) signed }
    signed     = "-" signed | power
    power      = atom [ ( "**" | "^" ) [ "-" ] integer ]
    atom       = number | date | name [ "[" ( name | date ) "]" ] | "(" sum ")"

A parsed formula is a small tree. `Formula.evaluate` binds its names to whatever the caller has and
lets the operators dispatch, so the same text becomes a PyTensor graph, a NumPy array or a check of
dimensions; this module imports no array library.
"""

import datetime as dt
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from estimates.errors import FormulaError, UnitError

LONGEST = 2_000
MOST_TOKENS = 400
DEEPEST = 40

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}-\d{2}-\d{2})
    | (?P<number>(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<symbol>\*\*|<=|>=|==|!=|[-+*/^()<>\[\],.=])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Number:
    """A literal number, without a unit."""

    value: float


@dataclass(frozen=True)
class Day:
    """A literal ISO date, the bare side of a comparison with a date."""

    date: dt.date


@dataclass(frozen=True)
class Name:
    """A name, and in claims the report id or ISO date at which it is meant."""

    name: str
    at: str | None = None


@dataclass(frozen=True)
class Negative:
    """Minus a term."""

    term: "Term"


@dataclass(frozen=True)
class Binary:
    """Two terms joined by ``+ - * /``."""

    left: "Term"
    symbol: str
    right: "Term"


@dataclass(frozen=True)
class Power:
    """A term raised to an integer."""

    base: "Term"
    exponent: int


type Term = Number | Day | Name | Negative | Binary | Power


@dataclass(frozen=True)
class Formula:
    """A parsed formula; `text` is what the user wrote."""

    text: str
    term: Term

    def names(self) -> tuple[Name, ...]:
        """The names it uses, each once, in order of appearance."""
        return tuple(dict.fromkeys(_names(self.term)))

    def evaluate(self, bind: Callable[[Name], Any], number: Callable[[float], Any] = float) -> Any:
        """The value of the formula.

        Parameters
        ----------
        bind : callable
            Gives the value of a `Name`: an array, a graph, a dimension.
        number : callable
            Gives the value of a literal number.
        """
        return _evaluate(self.term, bind, number)


@dataclass(frozen=True)
class Comparison:
    """Two formulas and the sign between them."""

    left: Formula
    symbol: str
    right: Formula

    def holds(self, left: Any, right: Any) -> Any:
        """Whether `left` stands in this relation to `right`, element by element."""
        return _COMPARISONS[self.symbol](left, right)


@dataclass(frozen=True)
class Statement:
    """One or more comparisons, all of which must hold."""

    text: str
    comparisons: tuple[Comparison, ...]

    def names(self) -> tuple[Name, ...]:
        """The names it uses, each once, in order of appearance."""
        sides = (side for c in self.comparisons for side in (c.left, c.right))
        return tuple(dict.fromkeys(name for side in sides for name in side.names()))


def parse_formula(text: str) -> Formula:
    """The formula written in `text`.

    Raises
    ------
    FormulaError
        For anything outside the grammar: calls, attributes, dates, ``[at]``, comparisons.

    Examples
    --------
    >>> values = {"containers": 6, "payload": 5}
    >>> parse_formula("containers * payload / 2").evaluate(lambda name: values[name.name])
    15.0
    """
    parser = _Parser(text)
    term = parser.sum()
    if parser.kind != "end":
        raise parser.error(_why_not(parser.token))
    _check_constants(term)
    for leaf in _leaves(term):
        if isinstance(leaf, Name) and leaf.at is not None:
            raise FormulaError(
                f"{leaf.name}[{leaf.at}] in {text!r}",
                remedy="A formula holds at every day; name[at] belongs in a claim.",
            )
        if isinstance(leaf, Day):
            raise FormulaError(f"the date {leaf.date} in {text!r}", remedy="Dates belong in claims.")
    return Formula(text, term)


def parse_statement(text: str) -> Statement:
    """The statement written in `text`, for example ``containers[aug] / containers[feb] >= 2``.

    Raises
    ------
    FormulaError
        When there is no comparison in it, or anything else is outside the grammar.
    """
    parser = _Parser(text)
    comparisons = [parser.comparison()]
    while parser.kind == "name" and parser.token == "and":
        parser.advance()
        comparisons.append(parser.comparison())
    if parser.kind != "end":
        raise parser.error(_why_not(parser.token))
    for comparison in comparisons:
        for side in (comparison.left, comparison.right):
            _check_constants(side.term)
    return Statement(text, tuple(comparisons))


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise FormulaError(
                f"a text of {len(text)} characters", remedy=f"At most {LONGEST}: name its parts."
            )
        self.text = unicodedata.normalize("NFC", text)
        self.place = 0
        self.depth = 0
        self.read = 0
        self.kind = ""
        self.token = ""
        self.advance()

    def advance(self) -> str:
        """Step to the next token; gives the one just read."""
        read = self.token
        self.read += 1
        if self.read > MOST_TOKENS:
            raise FormulaError(f"more than {MOST_TOKENS} words and signs", remedy="Name its parts.")
        match = _TOKEN.match(self.text, self.place)
        if match is None:
            sign = self.text[self.place :].strip()[:1]
            raise self.error(f"{sign!r} is not part of a formula")
        self.kind = match.lastgroup or ""
        self.token = match[self.kind]
        self.place = match.end()
        return read

    def error(self, why: str) -> FormulaError:
        return FormulaError(f"{why}, in {self.text!r}", remedy=_GRAMMAR)

    def accept(self, *symbols: str) -> str:
        """The token, stepped over, if it is one of `symbols`; else an empty string."""
        return self.advance() if self.kind == "symbol" and self.token in symbols else ""

    def comparison(self) -> Comparison:
        left = self.side()
        symbol = self.accept(*_COMPARISONS)
        if not symbol:
            if self.token in ("==", "!=", "="):
                raise self.error(f"{self.token!r} between quantities known only as distributions")
            if self.kind != "end" and self.token != "and":
                raise self.error(_why_not(self.token))
            raise self.error("no comparison: a claim is a statement that can be true or false")
        comparison = Comparison(left, symbol, self.side())
        if self.kind == "symbol" and self.token in _COMPARISONS:
            raise self.error("a chain of comparisons; write two, joined by 'and'")
        return comparison

    def side(self) -> Formula:
        start = self.place - len(self.token)
        term = self.sum()
        return Formula(self.text[start : self.place - len(self.token)].strip(), term)

    def sum(self) -> Term:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError("parentheses nested too deeply", remedy=f"At most {DEEPEST} deep.")
        term = self.product()
        while symbol := self.accept("+", "-"):
            term = Binary(term, symbol, self.product())
        self.depth -= 1
        return term

    def product(self) -> Term:
        term = self.signed()
        while symbol := self.accept("*", "/"):
            term = Binary(term, symbol, self.signed())
        return term

    def signed(self) -> Term:
        signs = 0
        while self.accept("-"):
            signs += 1
        term = self.power()
        return Negative(term) if signs % 2 else term

    def power(self) -> Term:
        base = self.atom()
        if not self.accept("**", "^"):
            return base
        sign = -1 if self.accept("-") else 1
        if self.kind != "number" or not self.token.isdigit() or len(self.token) > 2:
            raise self.error("a power that is not a small integer")
        return Power(base, sign * int(self.advance()))

    def atom(self) -> Term:
        if self.kind == "number":
            value = float(self.token)
            if not math.isfinite(value):
                raise self.error(f"{self.token} is too large a number")
            self.advance()
            return Number(value)
        if self.kind == "date":
            date = self.date()
            self.advance()
            return Day(date)
        if self.kind == "name" and self.token != "and":
            name = self.advance()
            if name == "import":
                raise self.error(_why_not(name))
            return Name(name, self.at() if self.accept("[") else None)
        if self.accept("("):
            term = self.sum()
            if not self.accept(")"):
                raise self.error(
                    _why_not(self.token) if self.kind != "end" else "a parenthesis that is not closed"
                )
            return term
        raise self.error(_why_not(self.token) if self.kind != "end" else "something is missing at the end")

    def at(self) -> str:
        if self.kind == "date":
            self.date()
        elif self.kind != "name":
            raise self.error("name[at] takes a report id or a date")
        at = self.token
        self.advance()
        if not self.accept("]"):
            raise self.error("a bracket that is not closed")
        return at

    def date(self) -> dt.date:
        try:
            return dt.date.fromisoformat(self.token)
        except ValueError:
            raise self.error(f"{self.token} is not a day of the calendar") from None


_GRAMMAR = (
    "Allowed: numbers, names, + - * /, integer powers, parentheses; claims add name[at], < <= > >= and 'and'."
)


def _why_not(token: str) -> str:
    reasons = {
        "(": "a call: there are no functions",
        ".": "an attribute: there are none",
        ",": "a comma: one formula at a time",
        "[": "a bracket after something that is not a name",
        "=": "an assignment: the key of the quantity names the result",
        "import": "an import: formulas are never executed",
    }
    return reasons.get(token, f"{token!r} where it has no meaning")


def _leaves(term: Term) -> Iterator[Number | Day | Name]:
    match term:
        case Binary(left, _, right):
            yield from _leaves(left)
            yield from _leaves(right)
        case Negative(inner) | Power(inner, _):
            yield from _leaves(inner)
        case leaf:
            yield leaf


def _check_constants(term: Term) -> float | None:
    """The value of a term without names, else None; refused if it divides by zero or is not finite."""
    parts: tuple[Term, ...]
    combine: Callable[..., Any]
    match term:
        case Number(value):
            return value
        case Negative(inner):
            parts, combine = (inner,), lambda value: -value
        case Power(base, exponent):
            parts, combine = (base,), lambda value: value**exponent
        case Binary(left, symbol, right):
            parts, combine = (left, right), _ARITHMETIC[symbol]
        case _:
            return None
    values = [_check_constants(part) for part in parts]
    try:
        if isinstance(term, Binary) and term.symbol == "/" and values[1] == 0:
            raise ZeroDivisionError
        result = None if None in values else float(combine(*values))
    except ZeroDivisionError:
        raise FormulaError("a division by zero", remedy="Divide by something else.") from None
    except OverflowError:
        result = math.inf
    if result is not None and not math.isfinite(result):
        raise FormulaError("a number too large to compute with", remedy="Choose a larger unit.")
    return result


def _names(term: Term) -> Iterator[Name]:
    return (leaf for leaf in _leaves(term) if isinstance(leaf, Name))


def _evaluate(term: Term, bind: Callable[[Name], Any], number: Callable[[float], Any]) -> Any:
    match term:
        case Number(value):
            return number(value)
        case Name():
            return bind(term)
        case Negative(inner):
            return -_evaluate(inner, bind, number)
        case Power(base, exponent):
            return _evaluate(base, bind, number) ** exponent
        case Binary(_, "*" | "/", _):
            return _product([(symbol, _evaluate(part, bind, number)) for symbol, part in _factors(term)])
        case Binary(left, symbol, right):
            return _ARITHMETIC[symbol](_evaluate(left, bind, number), _evaluate(right, bind, number))
        case Day(date):
            raise UnitError(f"the date {date} in arithmetic", remedy="A date only compares with a date.")


def _factors(term: Term) -> list[tuple[str, Term]]:
    """What a product multiplies and divides by, in order, each with its sign; the first has "*"."""
    factors: list[tuple[str, Term]] = []
    while isinstance(term, Binary) and term.symbol in "*/":
        factors.append((term.symbol, term.right))
        term = term.left
    return [("*", term), *reversed(factors)]


def _product(factors: list[tuple[str, Any]]) -> Any:
    """The product; of three factors and more, those of fewer axes come first.

    Fifty shares times the carriers of a thousand days are thereby one long product and not fifty.
    """
    if len(factors) > 2:
        factors = sorted(factors, key=lambda factor: getattr(factor[1], "ndim", 0))
    symbol, product = factors[0]
    if symbol == "/":
        product = 1.0 / product
    for symbol, value in factors[1:]:
        product = _ARITHMETIC[symbol](product, value)
    return product
