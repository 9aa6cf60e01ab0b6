"""What a notebook shows of a study: its reports as they are read, and what is asked of them."""

from typing import TYPE_CHECKING

from estimates import notebook, words

if TYPE_CHECKING:
    from estimates.study.whole import Study


def as_html(study: "Study") -> str:
    """The study as a table of HTML."""
    reports = [
        [
            report.id,
            words.date_words(report.published, short=True),
            report.issuer,
            f"{report.says} ({report.measures})",
            words.seen(*report.says.seen),
            "data" if report in study.fitted else "not fitted",
        ]
        for report in study.reports
    ]
    named = {
        "Assumptions": study.assumptions,
        "Quantities": study.quantities,
        "Claims": study.claims,
        "Variants": study.variants,
    }
    columns = ["report", "published", "issuer", "says", "read as", "used as"]
    parts = [
        *([notebook.table(columns, reports)] if reports else []),
        *(notebook.note(f"{what}: {words.listed([*names])}.") for what, names in named.items() if names),
        notebook.note(f"Study {study.name}, fingerprint {study.fingerprint}."),
    ]
    return notebook.shown(words.titled(study.title, study.variant_name), parts)
