"""Numbers that are not evidence of their own: derived, relayed, or converted without saying so."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from estimates.assumptions import MODEL_ASSUMPTIONS
from estimates.quantities import dependencies
from estimates.reports import Interval, Report, relays
from estimates.study import Study


class Kind(Enum):
    """What the audit found; the value says what follows from it."""

    DERIVED = "arithmetic on another report: shown, not counted again"
    RELAY = "the same release told again: counted once"
    HELD_OUT = "held out: compared with what the models predict, and not fitted"
    BRIDGED = "pooled over"
    ONE_PAIR = "if one is arithmetic on the other, declare derived_from; else say why it is independent"
    CONVERSION = "looks like arithmetic: declare derived_from, or say why it is independent"
    PASSED_ON = "looks passed on: declare derived_from, or say why it is independent"
    CIRCLE = "cite one another: nobody in the circle may have counted; say why each is independent"
    INDEPENDENT = "taken as a count of its own, for the reason given"
    JUDGEMENT = "rests on judgement, no source"
    UNSOURCED = "neither a source nor judgement = true is given, so that the basis has to carry it"
    FEW = "chance in single arrivals matters for counts this small; the model lumpy carries it"
    ONE_ISSUER = "the level is known only up to the bias of its one issuer"
    SINCE_WORDS = "wording about the start that is shown, not used"


DOUBTS = frozenset({Kind.CONVERSION, Kind.PASSED_ON, Kind.CIRCLE})
"""The findings by which a number may be counted twice."""

WARNINGS = frozenset({Kind.ONE_PAIR, *DOUBTS, Kind.FEW})
"""The findings that ask the author of a study for something."""

RELAY_DAYS = 30
"""A number passed on within so many days may be the same one."""

SMALL_COUNT = 30
PAIR_DAYS = 3
"""Reports of one issuer published within so many days speak of one state of things."""


@dataclass(frozen=True)
class Finding:
    """One finding: its kind, what it is about, and the sentence."""

    kind: Kind
    about: tuple[str, ...]
    words: str

    @property
    def is_warning(self) -> bool:
        """Whether the author of the study should answer it."""
        return self.kind in WARNINGS

    @property
    def is_doubt(self) -> bool:
        """Whether a number may be counted twice."""
        return self.kind in DOUBTS


def audit(study: Study) -> tuple[Finding, ...]:
    """What a reader should know before adding up the reports of a study."""
    return (
        *_derived(study),
        *_relayed(study),
        *_held_out(study),
        *_bridged(study),
        *_conversions(study),
        *_single_pairs(study),
        *_passed_on(study),
        *_circles(study),
        *_answers(study),
        *_one_issuer(study),
        *_small_counts(study),
        *_since_words(study),
        *_judgements(study),
        *_unsourced(study),
    )


def _derived(study: Study) -> Iterator[Finding]:
    for report in study.reports:
        if report.derived_from:
            words = f"{report.id} ({report.says}), from {report.derived_from}: {Kind.DERIVED.value}."
            yield Finding(Kind.DERIVED, (report.id, report.derived_from), words)


def _relayed(study: Study) -> Iterator[Finding]:
    for later, earlier in relays(study.reports).items():
        words = f"{later} says what {earlier} said: {Kind.RELAY.value}. A new count says why: independent."
        yield Finding(Kind.RELAY, (later, earlier), words)


def _held_out(study: Study) -> Iterator[Finding]:
    for report in study.reports:
        if report.held_out and not report.derived_from:
            words = f"{report.id} is {Kind.HELD_OUT.value}: {report.held_out}"
            yield Finding(Kind.HELD_OUT, (report.id,), words)


def _bridged(study: Study) -> Iterator[Finding]:
    """Each count that is another issuer's only by way of an assumption, once."""
    told = (
        (report.issuer, report.counts, report.bridge)
        for report in (*study.fitted, *study.predicted)
        if report.bridge
    )
    for issuer, counts, bridge in dict.fromkeys(told):
        what = repr(counts) if counts else "something else"
        yield Finding(
            Kind.BRIDGED, (issuer, bridge), f"{issuer} counts {what}: {Kind.BRIDGED.value} {bridge}."
        )


def _conversions(study: Study) -> Iterator[Finding]:
    """Undeclared conversions: one issuer's ratios of two quantities that all share a value.

    Independent counts of boxes and of what is in them would not keep one ratio from report to report. Who
    passes on what an issuer says may have done the arithmetic: its numbers are looked at beside the issuer's.
    """
    open_reports = _unanswered(study)
    for issuer in dict.fromkeys(report.issuer for report in open_reports):
        voices = {_plain(issuer), *_passing_on(study).get(_plain(issuer), ())}
        mine = [report for report in open_reports if _plain(report.issuer) in voices]
        if {report.issuer for report in mine} != {issuer} and not _adds_a_quantity(mine, issuer):
            continue
        for first, second in combinations(dict.fromkeys(report.measures for report in mine), 2):
            pairs = list(_pairs(mine, first, second))
            ratios = [_ratio(above, below) for below, above in pairs]
            if len(pairs) < 2 or not max(r.low for r in ratios) < min(r.high for r in ratios):
                continue
            shared = Interval(max(r.low for r in ratios), min(r.high for r in ratios))
            ids = tuple(above.id for _, above in pairs)
            yield Finding(
                Kind.CONVERSION,
                ids,
                f"{', '.join(ids)}: {_together(mine)} one ratio of {second} to {first} ({shared.low:,.4g} to "
                f"{shared.high:,.4g}) over {len(pairs)} reports; it {Kind.CONVERSION.value}.",
            )


def _single_pairs(study: Study) -> Iterator[Finding]:
    """Two numbers that an issuer gave on one day, one of a quantity that is reckoned from the other's.

    One pair shows no common ratio, so that nothing but the day speaks for a conversion.
    """
    converted = {name for finding in _conversions(study) for name in finding.about}
    open_reports = [report for report in _unanswered(study) if not report.held_out]
    for below in open_reports:
        for above in open_reports:
            reckoned = study.quantities.get(above.measures) and below.measures in dependencies(
                above.measures, study.quantities
            )
            same = (below.issuer, below.published) == (above.issuer, above.published)
            if reckoned and same and above.id not in converted:
                both = f"{below.id} and {above.id} are by {below.issuer} and of one day"
                yield Finding(Kind.ONE_PAIR, (above.id, below.id), f"{both}: {Kind.ONE_PAIR.value}.")


def _together(reports: list[Report]) -> str:
    issuers = list(dict.fromkeys(report.issuer for report in reports))
    return f"{' and '.join(issuers)} keep{'s' if len(issuers) == 1 else ''}"


def _unanswered(study: Study) -> list[Report]:
    """Reports that are neither declared as derived nor said to be independent."""
    return [report for report in study.reports if not report.derived_from and not report.independent]


def _plain(name: str) -> str:
    """A name as it is compared: Yonhap News and yonhap_news are one."""
    return " ".join(name.casefold().replace("_", " ").split())


def _passing_on(study: Study) -> dict[str, set[str]]:
    """Who passes on what each issuer says, directly or through others: plain name -> plain names."""
    named: dict[str, set[str]] = {}
    for report in study.reports:
        named.setdefault(_plain(report.issuer), set()).update(map(_plain, report.relayed_by))
    chains = {}
    for issuer, first in named.items():
        reached, ahead = set(), set(first)
        while ahead:
            reached |= ahead
            ahead = {further for one in ahead for further in named.get(one, ())} - reached
        chains[issuer] = reached
    return chains


def _adds_a_quantity(reports: list[Report], issuer: str) -> bool:
    """Whether others report on something that the issuer does not, so that a ratio spans them."""
    own = {report.measures for report in reports if report.issuer == issuer}
    return any(report.measures not in own for report in reports)


def _passed_on(study: Study) -> Iterator[Finding]:
    """Reports by somebody who passes on what another issuer said, with a number that is the other's."""
    chains, reports = _passing_on(study), sorted(_unanswered(study), key=lambda report: report.published)
    for later in reports:
        for earlier in reports:
            issuer, voice = _plain(earlier.issuer), _plain(later.issuer)
            in_time = 0 <= (later.published - earlier.published).days <= RELAY_DAYS
            same = (later.measures, later.counts) == (earlier.measures, earlier.counts)
            if issuer == voice or voice not in chains[issuer] or later.held_out or not (in_time and same):
                continue
            if later.published == earlier.published and issuer in chains[voice]:
                continue  # a circle, told as such
            if later.says.seen.meets(earlier.says.seen):
                when = _days_before(earlier, later)
                words = (
                    f"{later.id} ({later.says}) says what {earlier.id} said {when}, and {later.issuer} "
                    f"passes on {earlier.issuer}: it {Kind.PASSED_ON.value}."
                )
                yield Finding(Kind.PASSED_ON, (later.id, earlier.id), words)
                break


def _days_before(earlier: Report, later: Report) -> str:
    days = (later.published - earlier.published).days
    return f"{days} day{'s' if days > 1 else ''} before" if days else "on the same day"


def _circles(study: Study) -> Iterator[Finding]:
    """Issuers that pass on one another, on one quantity."""
    chains = _passing_on(study)
    for measured in dict.fromkeys(report.measures for report in study.reports):
        mine = [r for r in _unanswered(study) if r.measures == measured and not r.held_out]
        issuers = dict.fromkeys(report.issuer for report in mine)
        found = {one for one in issuers if _plain(one) in chains.get(_plain(one), ())}
        circle = [one for one in issuers if one in found]
        if len(circle) > 1:
            ids = tuple(report.id for report in mine if report.issuer in circle)
            words = f"{' and '.join(circle)} {Kind.CIRCLE.value}: {', '.join(ids)}."
            yield Finding(Kind.CIRCLE, ids, words)


def _pairs(reports: list[Report], first: str, second: str) -> Iterator[tuple[Report, Report]]:
    """Reports on two quantities that were published together."""
    for below in reports:
        for above in reports:
            together = abs((below.published - above.published).days) <= PAIR_DAYS
            if (below.measures, above.measures) == (first, second) and together:
                yield below, above


def _ratio(above: Report, below: Report) -> Interval:
    top, bottom = above.says.seen, below.says.seen
    return Interval(top.low / bottom.high, top.high / bottom.low if bottom.low > 0 else float("inf"))


def _answers(study: Study) -> Iterator[Finding]:
    for report in study.reports:
        if report.independent:
            words = f"{report.id} is {Kind.INDEPENDENT.value}: {report.independent}"
            yield Finding(Kind.INDEPENDENT, (report.id,), words)


def _one_issuer(study: Study) -> Iterator[Finding]:
    for measured in dict.fromkeys(report.measures for report in study.fitted):
        issuers = {report.issuer for report in study.fitted if report.measures == measured}
        if len(issuers) == 1:
            (issuer,) = issuers
            words = f"All reports on {measured} are by {issuer}: {Kind.ONE_ISSUER.value}."
            yield Finding(Kind.ONE_ISSUER, (issuer,), words)


def _small_counts(study: Study) -> Iterator[Finding]:
    counts = [report for report in study.fitted if report.measures == study.carriers.name]
    if counts and max(report.says.printed for report in counts) < SMALL_COUNT:
        words = f"All counts are under {SMALL_COUNT}: {Kind.FEW.value}."
        yield Finding(Kind.FEW, tuple(report.id for report in counts), words)


def _since_words(study: Study) -> Iterator[Finding]:
    for report in study.fitted:
        if report.since_words and report.since is None:
            words = f"{report.id} says {report.since_words!r}: {Kind.SINCE_WORDS.value}."
            yield Finding(Kind.SINCE_WORDS, (report.id,), words)


def _judgements(study: Study) -> Iterator[Finding]:
    names = tuple(name for name, assumption in study.assumptions.items() if assumption.judgement)
    if names:
        verb = "rests" if len(names) == 1 else "rest"
        yield Finding(Kind.JUDGEMENT, names, f"{', '.join(names)} {verb} on judgement, without a source.")


def _unsourced(study: Study) -> Iterator[Finding]:
    stated = study.assumptions.items()
    names = tuple(name for name, one in stated if not one.judgement and not one.source)
    if names:
        yield Finding(Kind.UNSOURCED, names, f"{', '.join(names)}: {Kind.UNSOURCED.value}.")


def unused(study: Study, model_assumptions: tuple[str, ...]) -> tuple[str, ...]:
    """Assumptions of the study that neither the model nor any formula or claim asks for."""
    bridges = {report.bridge for report in (*study.fitted, *study.predicted) if report.bridge}
    asked = {"reporting_lag", "issuer_bias", "common_bias", "report_scatter", *model_assumptions, *bridges}
    for quantity in study.quantities:
        asked |= set(dependencies(quantity, study.quantities))
    asked |= {leaf.name for claim in study.claims.values() for leaf in claim.parsed.names()} - set(
        MODEL_ASSUMPTIONS
    )
    return tuple(name for name in study.assumptions if name not in asked)
