"""Build the sdist, the wheel from the sdist, and run the wheel where no checkout is in sight."""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run every step, each announced before it starts; the first that fails ends the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv to install with")
    # The folder changes below, so a path must not depend on it; a bare word is looked up on PATH.
    uv = parser.parse_args().uv
    uv = str(Path(uv).resolve()) if os.sep in uv else uv
    with tempfile.TemporaryDirectory(prefix="estimates-wheel-") as folder:
        place = Path(folder)
        wheel = build(place)
        check_contents(wheel)
        python = install(wheel, place, uv)
        check_import(python, place)
        check_run(python, place)
    step("done")


def step(what: str) -> None:
    """Say what is being done."""
    print(f"-- wheel: {what}", flush=True)


def run(*words: str | Path, cwd: Path) -> str:
    """The standard output of a command, with nothing of this process's Python settings in it."""
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = list(map(str, words))
    done = subprocess.run(command, cwd=cwd, env=plain, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nexit code {done.returncode}: {' '.join(command)}")
    return done.stdout


def build(place: Path) -> Path:
    """The wheel, built from the unpacked sdist and not from the checkout."""
    step("building the sdist, and the wheel from it")
    hatch = (sys.executable, "-m", "hatchling", "build")
    run(*hatch, "-t", "sdist", "-d", place / "sdist", cwd=CHECKOUT)
    (sdist,) = (place / "sdist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (source,) = (place / "unpacked").iterdir()
    run(*hatch, "-t", "wheel", "-d", place / "dist", cwd=source)
    (wheel,) = (place / "dist").glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Nothing but `estimates` at the top, and in it every model, study, schema and mark of types."""
    step("what is in it")
    held = set(zipfile.ZipFile(wheel).namelist())
    top = {name.split("/")[0] for name in held}
    strange = {name for name in top if name != "estimates" and not name.endswith(".dist-info")}
    if strange or "estimates" not in top:
        sys.exit(f"the top level of the wheel is {sorted(top)}, not estimates alone")
    models = {f"estimates/models/{path.name}" for path in (CHECKOUT / "models").glob("*.py")}
    package = {
        str(path.relative_to(CHECKOUT))
        for pattern in ("*.py", "studies/*.toml", "studies/*.json", "py.typed")
        for path in (CHECKOUT / "estimates").rglob(pattern)
    }
    if not models or not any(name.endswith(".toml") for name in package):
        sys.exit("the checkout has no model or no study to look for")
    if missing := (models | package) - held:
        sys.exit(f"not in the wheel: {sorted(missing)}")


def install(wheel: Path, place: Path, uv: str) -> Path:
    """The Python of a new environment with the wheel and, of the locked versions, what it asks for."""
    step("installing it in a new environment")
    environment = place / "environment"
    python = environment / "bin" / "python"
    run(uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=place)
    pins = ("--constraints", CHECKOUT / "requirements.lock")
    run(uv, "pip", "install", "--quiet", "--python", python, *pins, wheel, cwd=place)
    return python


def check_import(python: Path, place: Path) -> None:
    """The installed package is the one imported, and no checkout is on the path."""
    step("importing it")
    code = (
        "import json, sys, estimates; from estimates import shelf, study;"
        "print(json.dumps({'from': estimates.__file__, 'path': sys.path,"
        " 'models': sorted(shelf.models()), 'studies': sorted(study.packaged())}))"
    )
    found = json.loads(run(python, "-I", "-c", code, cwd=place))
    if not Path(found["from"]).is_relative_to(place / "environment"):
        sys.exit(f"imported from {found['from']}")
    if strange := [entry for entry in found["path"] if entry and Path(entry).is_relative_to(CHECKOUT)]:
        sys.exit(f"the checkout is on sys.path: {strange}")
    expected = {
        "models": sorted(path.stem for path in (CHECKOUT / "models").glob("[!_]*.py")),
        "studies": sorted(path.stem for path in (CHECKOUT / "estimates" / "studies").glob("*.toml")),
    }
    for kind, names in expected.items():
        if found[kind] != names:
            sys.exit(f"installed {kind}: {found[kind]}, in the checkout: {names}")


def check_run(python: Path, place: Path) -> None:
    """`run --json` and `falsify --json` print one JSON document, from another folder, and write nothing."""
    step("estimates run --json")
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    printed = run(python.parent / "estimates", "run", "--json", cwd=elsewhere)
    try:
        document = json.loads(printed)
    except json.JSONDecodeError as error:
        sys.exit(f"standard output is no JSON document: {error}\n{printed[:500]}")
    if not document.get("quantities"):
        sys.exit("the document holds no quantities")
    step("estimates falsify --json")
    asked = ("falsify", "over_13000", "--dials", "issuer_bias", "--tries", "1", "--workers", "1", "--json")
    if not json.loads(run(python.parent / "estimates", *asked, cwd=elsewhere)).get("alone"):
        sys.exit("falsify found no dials")
    if written := sorted(path.name for path in elsewhere.iterdir()):
        sys.exit(f"--json without --out wrote {written}")


if __name__ == "__main__":
    main()
