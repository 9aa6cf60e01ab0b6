"""Bad studies: each is refused with one clear error that names the file, the line, the field and the remedy."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import OIL, changed, line_of

from estimates.errors import EstimatesError, StudyError
from estimates.study import LARGEST_FILE, Study, read, read_text


def variant(body):
    return f'{OIL}\n[variant.other]\nbasis = "another reading"\n{body}\n'


CARGO = 'prior = { family = "lognormal", q05 = 300_000, q95 = 900_000 }'
FORMULA = 'formula = "voyages * cargo"'
STATEMENT = 'statement = "voyages[autumn] / voyages[spring] >= 2"'

SCOPE = (
    '[assumption.scope]\nunit = "{}"\nprior = {{ family = "lognormal", q05 = 0.5, q95 = 2 }}\nbasis = "x"\n'
)


PLAIN_SCOPE = SCOPE.format("dimensionless")


def worded(spring="", autumn="", scope=PLAIN_SCOPE):
    """The small study with more lines in its two counts, and an assumption to bridge them."""
    text = changed('id = "spring"\n', f'id = "spring"\n{spring}\n').replace(
        'id = "autumn"\n', f'id = "autumn"\n{autumn}\n'
    )
    return f"{text}\n{scope}"


# (text, passage on the line that is to be named, what the message says)
REFUSALS = {
    # misspelt fields, each with the nearest
    "field of the study": (changed("title =", "titel ="), "titel", "unknown field 'titel'.*Did you mean 'title'"),
    "section": (changed("[claim.", "[claims."), "claims", "unknown field 'claims'.*Did you mean 'claim'"),
    "field of a report": (changed('issuer = "port"', 'isuer = "port"'), "isuer", "report 'spring' · isuer: unknown field 'isuer'.*Did you mean 'issuer'"),
    "field of says": (changed("hedge =", "hegde ="), "hegde", "says.hegde: unknown field 'hegde'.*Did you mean 'hedge'"),
    "field of a prior": (changed("q05 =", "q_05 ="), "q_05 =", "prior.q_05: unknown field 'q_05'.*Did you mean 'q05'"),
    "field of a claim": (changed("says = \"twice", "say = \"twice"), "say =", "claim.doubled.say: unknown field 'say'.*Did you mean 'says'"),
    "field of a quantity": (changed("formula =", "formla ="), "formla", "quantity.oil.formla: unknown field.*Did you mean 'formula'"),
    "field of a variant": (variant('witout = ["spring"]'), "witout", "variant.other.witout: unknown field.*Did you mean 'without'"),
    # misspelt names, each with the nearest
    "hedge": (changed('"about"', '"abuot"'), "abuot", "report 'spring' · says.hedge: unknown hedge 'abuot'.*Did you mean 'about'"),
    "family": (changed('"lognormal"', '"lognormall"'), "lognormall", "unknown family 'lognormall'.*Did you mean 'lognormal'"),
    "unit of an assumption": (changed("barrel/voyage", "barel/voyage"), "barel", "assumption.cargo · unit: unknown unit 'barel'.*Did you mean 'barrel'"),
    "unit of a quantity": (changed('unit = "barrel"', 'unit = "barel"'), 'unit = "barel"', "quantity.oil · unit: unknown unit 'barel'.*Did you mean 'barrel'"),
    "name in a formula": (changed("* cargo", "* carg"), "[quantity.oil]", "quantity.oil: unknown name 'carg'.*Did you mean 'cargo'"),
    "name in a claim": (changed("voyages[autumn]", "voyage[autumn]"), "statement", "claim.doubled · statement: unknown name 'voyage'.*Did you mean 'voyages'"),
    "report in a claim": (changed("[autumn]", "[autum]"), "statement", "claim.doubled · statement: unknown report 'autum'.*Did you mean 'autumn'"),
    "quantity of a report": (changed('measures = "voyages"', 'measures = "voyage"'), "measures", "measures 'voyage', which is no quantity.*Did you mean 'voyages'"),
    "parent of a derived report": (changed('derived_from = "autumn"', 'derived_from = "autum"'), "derived_from", "unknown report 'autum'.*Did you mean 'autumn'"),
    "assumption of a variant": (variant("assumption.carg.judgement = true"), "[variant.other]", "variant.other: unknown assumption 'carg'.*Did you mean 'cargo'"),
    "report of a variant": (variant('without = ["sprin"]'), "[variant.other]", "variant.other: unknown report 'sprin'.*Did you mean 'spring'"),
    "family of a variant": (variant('assumption.cargo.prior = { family = "fixd", value = 3 }'), "fixd", "unknown family 'fixd'.*Did you mean 'fixed'"),
    "headline": (OIL + '[headline]\nquantity = "oli"\n', "[headline]", "headline: unknown quantity 'oli'.*Did you mean 'oil'"),
    # priors
    "quantiles out of order": (changed("q05 = 300_000", "q05 = 950_000"), "950_000", "q05 = 950000.* is not below q95 = 900000"),
    "a family that cannot": (changed(CARGO, 'prior = { family = "normal", q05 = 5.1, q95 = 9.9, lower = 5, upper = 10 }'), "5.1", "assumption.cargo · prior: no normal.*off by"),
    "quantiles below zero": (changed("q05 = 300_000", "q05 = -3"), "-3", "A lognormal lies above 0"),
    "a prior of numbers for a date": (changed("lower = 2023-02-01, upper = 2024-01-31", "lower = 3, upper = 9"), "[assumption.first_shipment]", "unit 'date' with a prior stated in numbers.*Dates as"),
    "a prior that a variant breaks": (variant('assumption.cargo.prior = { family = "normal", q05 = 5.1, q95 = 9.9, lower = 5, upper = 10 }'), "5.1", "variant.other · assumption.cargo · prior: no normal"),
    # formulas
    "a wrong dimension": (changed('unit = "barrel"\nformula', 'unit = "tonne"\nformula'), "formula", "the formula gives length.3, the unit 'tonne' is mass"),
    "carriers against rounds": (changed(FORMULA, 'formula = "voyages"').replace('"barrel"\n', '"round"\n'), "formula", "the formula gives voyage, the unit 'round' is round"),
    "a cycle": (changed("* cargo", "* oil"), "[quantity.oil]", "quantity.oil: a cycle: oil -> oil"),
    "a call": (changed(FORMULA, 'formula = "exp(cargo)"'), "exp", "quantity.oil.formula: a call: there are no functions"),
    "an attribute": (changed(FORMULA, 'formula = "cargo.real"'), "real", "an attribute: there are none"),
    "an import": (changed(FORMULA, 'formula = "import os"'), "import", "an import: formulas are never executed"),
    "a division by zero": (changed("* cargo", "* cargo / 0"), "/ 0", "quantity.oil.formula: a division by zero"),
    # claims
    "no statement": (changed(" >= 2", ""), "statement", "claim.doubled.statement: no comparison: a claim is a statement"),
    "an equation": (changed(">= 2", "== 2"), "statement", "'==' between quantities known only as distributions"),
    "carriers without a day": (changed("voyages[autumn]", "voyages"), "statement", r"voyages without a day.*Write voyages\[report_id\]"),
    "a day for an assumption": (changed("voyages[autumn]", "cargo[autumn]"), "statement", r"cargo\[autumn\].*same on every day"),
    "a day outside the study": (changed("[autumn]", "[2025-06-01]"), "statement", "2025-06-01 is outside the study.*From 2023-01-01 to 2024-12-31"),
    "sides of two dimensions": (changed(">= 2", ">= cargo"), "statement", "Both sides need one dimension"),
    # reports
    "as of a day after publication": (changed("published = 2024-03-01", "published = 2024-03-01\nas_of = 2024-03-02"), "[[report]]", "as of 2024-03-02, published 2024-03-01"),
    "as of a day before the epoch": (changed("published = 2024-03-01", "published = 2024-03-01\nas_of = 2022-12-30"), "[[report]]", "2022-12-30 is outside the study.*after the epoch 2023-01-01"),
    "published before the epoch": (changed("published = 2024-03-01", "published = 2022-03-01"), "[[report]]", "2022-03-01 is outside the study"),
    "published on the epoch": (changed("published = 2024-03-01", "published = 2023-01-01"), "[[report]]", "2023-01-01 is outside the study"),
    "published after the horizon": (changed("published = 2024-03-01", "published = 2025-03-01"), "[[report]]", "2025-03-01 is outside.*horizon 2024-12-31"),
    "a value of zero": (changed("value = 120", "value = 0"), "value = 0", "says.value: the value 0.*greater than 0"),
    "a negative value": (changed("value = 120", "value = -120"), "value = -120", "the value -120"),
    "a value that is no number": (changed("value = 120", "value = nan"), "value = nan", "the value nan.*finite"),
    "an infinite value": (changed("value = 120", "value = inf"), "value = inf", "the value inf.*finite"),
    "a value in quotes": (changed("value = 120", 'value = "120"'), 'value = "120"', "says.value: .*valid number, not '120'"),
    "no hedge": (changed(', hedge = "about"', ""), "value = 120", "report 'spring' · says: no hedge.*Known: .*about"),
    "over a value without zeros": (changed("value = 300", "value = 303"), "value = 303", "over 303: no trailing zero.*open = true"),
    "no issuer": (changed('issuer = "port"\n', ""), "[[report]]", "'issuer' is missing.*Who said it"),
    "no report at all": (re.sub(r"(?s)\[\[report\]\].*?(?=\[assumption)", "", OIL), None, "no report at all.*at least one"),
    "a circle of derived reports": (changed('derived_from = "autumn"', 'derived_from = "autumn_oil"'), "derived_from", "a circle: autumn_oil -> autumn_oil"),
    # pooling
    "two counts without a bridge": (worded('counts = "tankers"', 'counts = "ships"'), None, "reports on voyages count different things: 'tankers' and 'ships'.*Give all but one a bridge"),
    "a count beside one in other words": (worded('counts = "tankers"'), None, "count different things: 'tankers' and '.not said.'"),
    "a bridge that is no assumption": (worded('bridge = "scop"'), "bridge", "report 'spring' · bridge: unknown assumption 'scop'.*Did you mean 'scope'"),
    "a bridge of a held-out report that is no assumption": (worded('bridge = "scop"\nheld_out = "x"'), "bridge", "report 'spring' · bridge: unknown assumption 'scop'"),
    "a bridge with a unit": (worded('bridge = "scope"', scope=SCOPE.format("barrel")), "bridge", "report 'spring' · bridge: 'scope' is in barrel.*A bridge is a ratio: dimensionless"),
    "one count with and without a bridge": (worded('counts = "tankers"\nbridge = "scope"', 'counts = "tankers"'), '[[report]]', "report 'autumn' · bridge: the same count with and without the bridge 'scope'.*take the same bridge"),
    "one count over two bridges": (worded('counts = "tankers"\nbridge = "scope"', 'counts = "tankers"\nbridge = "other"', PLAIN_SCOPE + PLAIN_SCOPE.replace("scope", "other")), "bridge", "the same count with and without the bridge"),
    "nothing but held-out reports": (worded('held_out = "x"', 'held_out = "x"'), None, "no report at all"),
    "another kind of errors": (changed("knot =", 'errors = "counts"\nknot ='), "errors", "errors: .*not 'counts'"),
    # the frame
    "another format": (changed("format = 1", "format = 2"), "format", "format: input should be 1, not 2"),
    "no format": (changed("format = 1\n", ""), None, "'format' is missing"),
    "a name that is no folder": (changed('name = "oil"', 'name = "../oil"'), "../oil", "name: .*not '../oil'"),
    "a horizon before the epoch": (changed("horizon = 2024", "horizon = 2022"), "horizon", "horizon 2022-12-31 is not after epoch 2023-01-01"),
    "a knot outside": (changed("knot = 2024", "knot = 2026"), "knot", "knot 2026-01-15.*Between 2023-01-01 and 2024-12-31"),
    "a date in quotes": (changed("epoch = 2023-01-01", 'epoch = "2023-01-01"'), "epoch", "epoch: .*valid date, not '2023-01-01'"),
    "a time of day": (changed("epoch = 2023-01-01", "epoch = 2023-01-01T09:30:00"), "epoch", "epoch: .*valid date"),
    "an epoch out of reach": (changed("epoch = 2023", "epoch = 1580"), "epoch", "Days lie from 1700 to 2200"),
    "more than a century": (changed("epoch = 2023", "epoch = 1823"), "horizon", "more than a century"),
    "a name used twice": (changed("[assumption.cargo]", "[assumption.voyages]"), "[assumption.voyages]", "'voyages' is carriers already"),
    "a reserved name": (changed("[quantity.oil]", "[quantity.day]").replace('"oil"\nsays', '"day"\nsays'), "[quantity.day]", "quantity.day: 'day' is reserved.*Reserved: .*chain"),
    "a name that the report likelihood keeps": (changed("[quantity.oil]", "[quantity.report_value]"), "report_value", "quantity.report_value: 'report_value' is reserved"),
    "a name that models keep beside an assumption": (changed("[quantity.oil]", "[quantity.cargo_prior]"), "cargo_prior", "quantity.cargo_prior: 'cargo_prior' is what models keep beside an assumption"),
    "a quantity named as a model's assumption": (changed("[quantity.oil]", "[quantity.daily_rate]"), "daily_rate", "'daily_rate' is an assumption that models ask for"),
    "a name that formulas cannot use": (changed("[assumption.cargo]", '[assumption."car go"]'), "car go", "'car go' cannot be a name"),
    "carriers without a dimension": (changed('unit = "voyage"', 'unit = "percent"'), "carriers", "'percent' is dimensionless.*word of its own"),
    "carriers in bare tons": (changed('unit = "voyage"', 'unit = "ton"'), "carriers", "'ton' is ambiguous.*tonne, short_ton or long_ton"),
    "a unit defined again": (OIL + '[units]\nkg = "new"\n', "kg =", "units.kg: the unit 'kg' exists already"),
    "a unit of nothing": (OIL + '[units]\ncrate = "0 kg"\n', "crate", "units.crate: '0 kg' does not define a unit"),
    "a model's assumption in another unit": (OIL + '[assumption.daily_rate]\nunit = "barrel/day"\nprior = { family = "fixed", value = 2 }\nbasis = "x"\n', 'unit = "barrel/day"', "unit 'barrel/day'.*Models take daily_rate in voyage/day"),
    "since for a quantity without carriers": (OIL + '[quantity.twice]\nunit = "barrel/voyage"\nformula = "2 * cargo"\n' + '[[report]]\nid = "load"\nmeasures = "twice"\nsays = { value = 1_200_000, hedge = "about" }\npublished = 2024-03-01\nsince = 2023-05-01\nissuer = "port"\n', '[[report]]', "report 'load': since, for a quantity without carriers"),
    "a variant that leaves no report": (variant('without = ["spring", "autumn"]'), "[variant.other]", "variant.other · report: no report at all"),
    "a variant without a basis": (OIL + '[variant.other]\nwithout = ["spring"]\n', "[variant.other]", "'basis' is missing.*Why one might read it so"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "passage", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_study_is_refused_with_place_and_remedy(text, passage, words):
    with pytest.raises(StudyError, match=f"(?s){words}") as refused:
        read_text(text, "mine.toml")
    message = str(refused.value)
    assert message.startswith("mine.toml")
    if passage is not None:
        named = int(re.match(r"mine\.toml:(\d+) ", message)[1])
        candidates = [n for n, line in enumerate(text.splitlines(), start=1) if passage in line]
        assert named in candidates, message


def test_of_two_reports_with_one_id_the_second_is_named():
    text = changed('id = "autumn"', 'id = "spring"').replace('derived_from = "autumn"\n', "")
    text = text.replace("[autumn]", "[spring]")
    with pytest.raises(StudyError, match="two reports with the id 'spring'") as refused:
        read_text(text, "mine.toml")
    second = line_of(text, 'id = "spring"', occurrence=2)
    assert refused.value.where.startswith((f"mine.toml:{second} ", f"mine.toml:{second - 1} "))


def test_a_unit_that_exists_under_the_chosen_word_is_no_error():
    assert (
        read_text(changed('unit = "voyage"', 'unit = "tanker"').replace("/voyage", "/tanker")).carriers.unit
        == "tanker"
    )


# ---- files that are no study ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty\n.*estimates new"),
        (b"  \n\n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not a text file\n.*TOML in UTF-8"),
        (b"\x00" * 50, "not valid TOML"),
        (b"# " + b"x" * LARGEST_FILE, r"2,000,002 bytes\n.*at most 2,000,000"),
        (b"format = 1\nname = \n", "not valid TOML: .*line 2"),
        (b"format = 1\nformat = 1", "not valid TOML: Cannot overwrite a value"),
        (b"x = " + b"[" * 20_000, "not valid TOML"),
        (b"x = " + b"9" * 5000, "not valid TOML"),
        (b"x = 2024-02-30", "not valid TOML"),
        (b"<html></html>", "not valid TOML: .*line 1"),
        (b'x = 1\ny = "a" # 8\nz = 8,000 # pieces', "line 3.*\n  z = 8,000 # pieces\n  No comma inside"),
        (b"published = 20 March 2024", "A day is written 2024-03-20"),
        (b'says = { value = 400 hedge = "about" }', "Is a comma missing between two fields"),
        (b"share = 10%", "A share is written as a number: 0.1, not 10%"),
        ("title = “Flour”".encode(), "straight quotes"),
        (b"title = Flour", "Text stands in quotes"),
        (b"[1, 2]", "not valid TOML|is missing|unknown field"),
    ],
    ids=[
        "empty",
        "blank",
        "picture",
        "zeros",
        "enormous",
        "broken",
        "twice",
        "deep",
        "digits",
        "no day",
        "html",
        "a comma in a number",
        "a day in words",
        "a comma forgotten",
        "per cent",
        "curly quotes",
        "no quotes",
        "json",
    ],
)
def test_a_file_that_is_no_study_is_refused_in_words(tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=f"(?s)mine.toml.*{words}"):
        read(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.toml", "nowhere.toml: does not exist"),
        (".", "is no file\n.*path of a TOML"),
        ("a\0b.toml", "does not exist"),
        ("x" * 5000 + ".toml", "does not exist|cannot be read"),
    ],
)
def test_a_path_that_is_no_file_is_refused(tmp_path, name, words):
    with pytest.raises(StudyError, match=words):
        read(tmp_path / name)


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    path.write_text(OIL)
    monkeypatch.setattr(
        type(path),
        "read_text",
        lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    with pytest.raises(StudyError, match="mine.toml: cannot be read: Permission denied"):
        read(path)


def test_a_packaged_name_that_is_misspelt_is_suggested():
    with pytest.raises(
        StudyError, match="unknown study 'dprk-shels-2024'\n.*Did you mean 'dprk-shells-2024'"
    ):
        read("dprk-shels-2024")


# ---- anything at all ------------------------------------------------------------------------------------

LINES = OIL.splitlines()
PIECES = st.sampled_from(
    [
        *LINES,
        "nan",
        "-1",
        "[[]]",
        "[report]",
        "[[report]]",
        "{",
        "}",
        '"',
        "=",
        "2024-02-30",
        "1e400",
        "é",
        "\\",
        "true",
        "[]",
    ]
)
KEYS_AND_VALUES = sorted(set(re.findall(r"[\w.]+|\"[^\"]*\"", OIL)))


@st.composite
def damaged(draw):
    """The small study with some of its words or lines replaced, dropped or doubled."""
    text = OIL
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            old = draw(st.sampled_from(KEYS_AND_VALUES))
            new = draw(st.sampled_from(KEYS_AND_VALUES) | PIECES | st.text(max_size=6))
            text = text.replace(old, new, draw(st.sampled_from([1, -1])))
        else:
            lines = text.splitlines()
            place = draw(st.integers(0, len(lines) - 1))
            lines[place : place + draw(st.integers(0, 2))] = draw(st.lists(PIECES, max_size=2))
            text = "\n".join(lines)
    return text


@settings(max_examples=300)
@given(damaged())
def test_a_damaged_study_is_a_study_or_an_error_of_ours(text):
    try:
        study = read_text(text, "mine.toml")
    except EstimatesError as error:
        assert str(error).startswith("mine.toml")  # noqa: PT017
    else:
        assert isinstance(study, Study)
        assert study.fingerprint


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_arbitrary_bytes_are_refused_in_words(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(EstimatesError, match="mine.toml"):
        read(path)


def test_a_field_of_the_head_that_stands_below_a_heading_is_sent_there():
    with pytest.raises(StudyError, match="'knot' does not belong here\n.*head of the file"):
        read_text(OIL + "knot = 2024-01-15\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('says = { value = 120, hedge = "about" }', 'says = "about 120"'), "Write says = { value = 6700"),
        (("[quantity.oil]", "[[quantity.oil]]"), r"one pair of brackets: \[quantity.oil\]"),
        (("published = 2024-03-01", 'published = "2024-03-01"'), "A date is written without quotes"),
    ],
)
def test_a_value_of_another_kind_is_answered_with_how_it_is_written(change, words):
    with pytest.raises(StudyError, match=words):
        read_text(OIL.replace(*change, 1))
