"""The whole of the command line, and the way out."""

import gc
import os
import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from estimates.cli import ahead, drawing, fitting, rivals, starting, turning
from estimates.cli.exits import EXIT_FAULT, EXIT_INPUT, EXIT_INTERRUPTED
from estimates.errors import EngineError, EstimatesError

_EXAMPLES = """\b
First steps:
  estimates run                        the flagship study: a table and a page
  estimates check                      how its reports and priors are read
  estimates new barrels --load barrel  a study of your own, to be edited
  estimates run barrels.toml

Exit codes: 0 done, 1 the verdict is bad, 2 the input is wrong, 70 a fault of ours, 130 interrupted."""


app = typer.Typer(
    help="Turn sparse public reports into honest distributions.",
    epilog=_EXAMPLES,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _estimates(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        print(f"estimates {version_of('estimates')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


COMMANDS = (
    ("run", fitting.run, fitting.RUN_EXAMPLES),
    ("check", fitting.check, fitting.CHECK_EXAMPLES),
    ("compare", rivals.compare, rivals.COMPARE_EXAMPLES),
    ("claims", rivals.claims, rivals.CLAIMS_EXAMPLES),
    ("falsify", turning.falsify_, turning.FALSIFY_EXAMPLES),
    ("sensitivity", turning.sensitivity_, turning.SENSITIVITY_EXAMPLES),
    ("sweep", turning.sweep_, turning.SWEEP_EXAMPLES),
    ("forecast", ahead.forecast_, ahead.FORECAST_EXAMPLES),
    ("resolve", ahead.resolve_, ahead.RESOLVE_EXAMPLES),
    ("plot", drawing.plot, drawing.PLOT_EXAMPLES),
    ("studies", starting.studies, None),
    ("models", starting.models, None),
    ("new", starting.new, starting.NEW_EXAMPLES),
    ("schema", starting.schema_, starting.SCHEMA_EXAMPLES),
)
"""In the order of the help: the name, what it does, and the examples under its own help."""

for _name, _command, _examples in COMMANDS:
    app.command(_name, epilog=_examples)(_command)


# ---- the way out -------------------------------------------------------------------------------


def main() -> NoReturn:
    """Run the command line and exit with its code: 0, 1, 2, 70 or 130."""
    # Building graphs makes millions of objects that all live until the end: collecting them is a fifth
    # of the time of a run, for nothing.
    gc.disable()
    # The matrices here are small: a second thread of BLAS costs more than it does, the more so on a
    # machine that has other work. Set before NumPy is imported, which is when it counts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Hypothesis, which searches for what overturns a claim, would leave a folder wherever it runs.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.devnull)
    # Pydantic would look through all that is installed for plugins, of which none is wanted.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Cyrillic shows question marks
    code = _exit_code()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a sampler that failed to start leaves threads behind that crash the interpreter's end.
    os._exit(code)


def _exit_code() -> int:
    try:
        code = app(prog_name="estimates", standalone_mode=False) or 0
        sys.stdout.flush()
    except EstimatesError as error:
        from estimates.tables import plain

        print(f"estimates: {plain(str(error))}", file=sys.stderr)
        return (
            EXIT_FAULT if isinstance(error, EngineError) and "could not sample" in error.what else EXIT_INPUT
        )
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", "estimates")
        print(f"estimates: {error.format_message()}\n  See: {command} --help", file=sys.stderr)
        return EXIT_INPUT
    except (BrokenPipeError, SystemExit) as leave:  # Typer turns a broken pipe into an exit with 1
        if not isinstance(leave if isinstance(leave, OSError) else leave.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # head has seen enough: the last flush must not fail
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        print("estimates: a fault of ours. Please report it with the lines above.", file=sys.stderr)
        return EXIT_FAULT
    if code == EXIT_INTERRUPTED:
        print("estimates: interrupted; nothing half-written was left.", file=sys.stderr)
    return int(code)
