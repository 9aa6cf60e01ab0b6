"""The commands run and check."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estimates.cli.asking import model_file, read_as, served_models
from estimates.cli.exits import EXIT_BAD_VERDICT
from estimates.cli.options import FLAGSHIP, JsonOption, ModelOption, SeedOption, StudyArgument, VariantOption
from estimates.cli.saying import progress_bar, say, say_json, say_next
from estimates.cli.writing import check_folder, default_folder, write_estimate
from estimates.errors import EstimatesError

if TYPE_CHECKING:
    from estimates.estimate import Estimate
    from estimates.shelf import ModelFile
    from estimates.study import Study

RUN_EXAMPLES = """\b
Examples:
  estimates run
  estimates run --model stepped --variant mid_2022
  estimates run barrels.toml --model ./mine.py --out results/mine
  estimates run --json --seed 2 | jq .claims"""

CHECK_EXAMPLES = """\b
Examples:
  estimates check
  estimates check barrels.toml --model stepped
  estimates check barrels.toml --model ./mine.py --laws"""


def run(
    study: StudyArgument = FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="ENGINE", help="importance, nuts, or auto: importance where it is good, else nuts."
        ),
    ] = "auto",
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files.  [default: results/STUDY/MODEL[-VARIANT]]"),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document and nothing else; write files only with --out."),
    ] = False,
) -> None:
    """Fit a model to a study and print what the reports imply.

    Prints the table and writes estimate.json, estimate.nc and page.html. The exit code is 0 when done,
    1 when the verdict is bad (the files are still written), 2 when the input is wrong.
    """
    asked = read_as(study, variant)
    file = model_file(model)
    folder = out if out or as_json else default_folder(asked, file)
    if folder:
        check_folder(folder)
    with progress_bar(f"Fitting {asked.name}") as progress:
        from estimates.inference import infer

        estimate = infer(asked, file.path, engine=engine, seed=seed, progress=progress)
        document = estimate.document()
        outdated = write_estimate(estimate, document, folder) if folder else ()
    if as_json:
        say_json(document)
    else:
        _show(estimate, document, folder)
        if outdated:
            say(f"Left off the page, being of another version of the study: {', '.join(outdated)}.")
        rivals = served_models(asked, model)
        if estimate.trust.verdict == "bad":
            say_next("run, bad", study, model=model, variant=variant)
        elif "," in rivals:
            say_next("run", study, models=rivals, seed=seed, out=out)
        else:
            say_next("run, without rivals", study, model=model, variant=variant, seed=seed, out=out)
    if estimate.trust.verdict == "bad":
        raise typer.Exit(EXIT_BAD_VERDICT)


def check(
    study: StudyArgument = FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    laws: Annotated[
        bool, typer.Option("--laws", help="Also try the laws that every study and model keeps: a minute.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read a study without fitting it.

    Shows the interval that every report is read as, the quantiles that its priors imply, what the audit
    finds, and the assumptions that the model or the reports still ask for, as blocks to paste. With --laws
    the exit code is 1 when the study or the model breaks one.
    """
    asked, file = read_as(study, variant), model_file(model)
    document = _checked(asked, file)
    if laws:
        document |= {"laws": _tried(asked, file)}
    if as_json:
        say_json(document)
    else:
        _show_check(asked, document)
        say_next("check, incomplete" if document["missing"] else "check", study, model=model, variant=variant)
    if any(law["broken"] for law in document.get("laws", ())):
        raise typer.Exit(EXIT_BAD_VERDICT)


def _tried(study: "Study", model: "ModelFile") -> list[dict[str, Any]]:
    """Every law of studies on this study, and every law of models on this model, with what breaks it."""
    with progress_bar(f"Trying the laws on {study.name}") as progress:
        from estimates import testing

        checks = [*testing.study_checks(study, model.path), *testing.model_checks(model.path, study)]
        return [
            {
                "of": check.subject,
                "law": check.law.name,
                "says": check.law.says,
                "broken": broken,
                "not_tried": not_tried,
            }
            for check, broken, not_tried in testing.outcomes(checks, progress)
        ]


def _show(estimate: "Estimate", document: dict[str, Any], folder: Path | None) -> None:
    from estimates import tables

    study = estimate.study
    say(tables.title(study), "")
    say(*tables.answer(study, document), "")
    say(tables.quantities(document), "MC error: how far the median may be off for want of draws.", "")
    if document["trend"]:
        say(*tables.trend(study, document), "")
    if document["parameters"]:
        say(tables.parameters(document), "")
    if document["claims"]:
        say(tables.claims(study, document), "")
    say(*tables.sources(document))
    say(*tables.trust(document))
    if folder:
        say(f"Wrote {folder / 'page.html'} (open it next), with estimate.json and estimate.nc beside it.")


def _show_check(study: "Study", document: dict[str, Any]) -> None:
    from estimates import tables

    say(tables.title(study), "")
    say(tables.reports(study), "")
    say(*tables.priors(study), "")
    say(*tables.checked(document))
    if "laws" in document:
        say("", *tables.laws(document))


def _checked(study: "Study", model: "ModelFile") -> dict[str, Any]:
    """What `check` found, as a document."""
    from estimates import tables
    from estimates.audit import audit, unused
    from estimates.files import finite
    from estimates.reports import relays
    from estimates.sources import independent_sources

    findings, sources = audit(study), independent_sources(study)
    repeated = relays(study.reports)
    return {
        "schema": 1,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data_digest": study.data_digest,
        "variant": study.variant_name,
        "model": model.name,
        "reports": [
            {
                "id": report.id,
                "measures": report.measures,
                "says": str(report.says),
                "interval": [report.says.seen.low, finite(report.says.seen.high)],
                "role": tables.role(report, repeated),
            }
            for report in study.reports
        ],
        "assumptions": list(tables.prior_rows(study)),
        "correlations": [correlation.model_dump() for correlation in study.correlations],
        "findings": [finding.words for finding in findings],
        "warnings": [finding.words for finding in findings if finding.is_warning],
        "sources": asdict(sources) if sources else None,
        "unused": list(unused(study, model.assumptions)),
        "missing": [
            {"name": name, "paste": _block(study, name)}
            for name in dict.fromkeys((*model.assumptions, *study.needed))
            if name not in study.assumptions
        ],
    }


def _block(study: "Study", name: str) -> str:
    """The TOML block that the study would ask for."""
    try:
        study.assumption(name)
    except EstimatesError as error:
        return error.remedy.partition("\n\n")[2].strip()
    return ""
