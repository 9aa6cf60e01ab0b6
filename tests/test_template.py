import numpy as np
import pytest

import estimates as est
from estimates import shelf
from estimates.inference.shapes import CompiledShapes, shape_of
from estimates.inference.template import Templates
from estimates.multiverse import AS_READ, Multiverse, widths
from estimates.study.rereading import issued, opened
from estimates.study.structure import structure

STUDY = est.read()


@pytest.mark.parametrize("model", ["steady", "stepped", "accelerating", "lumpy"])
def test_a_template_with_other_numbers_is_the_model_built_anew(model):
    grid = Multiverse([model], settings=widths(STUDY) | {"payload": [AS_READ, 18.0, "90%"]}, sample=8)
    templates, file = Templates(), shelf.find(model)
    for cell in grid.cells(STUDY):
        study = cell.read(STUDY).on_named_days()
        template = templates.ready(file, study)
        anew = file.build(study)
        assert (
            shape_of(template.model, template.model.deterministics).key
            == shape_of(anew, anew.deterministics).key
        )
        for name in anew.numbers:
            np.testing.assert_array_equal(template.model[name].get_value(), anew[name].get_value())
    assert len(templates) < 8


def test_templates_keep_what_they_compile_with_the_shapes_they_were_given_though_it_is_still_empty():
    shapes = CompiledShapes()
    template = Templates(shapes).ready(shelf.find("steady"), STUDY)
    assert len(shapes) == 1
    assert template.fitted.density is shapes.compiled(template.model).density


def test_a_template_has_the_limits_of_the_study_that_is_in_it():
    study = est.read("dprk-shells-all-reports-2024")
    file, templates = shelf.find("steady"), Templates()
    first = templates.ready(file, study).model
    # With the wordings opened upwards, no count need be higher than the one before it.
    for other in (opened(study), study):
        model, anew = templates.ready(file, other).model, file.build(other)
        assert model is first
        assert model.limits.keys() == anew.limits.keys()
        for name, ends in anew.limits.items():
            np.testing.assert_array_equal(model.limits[name], ends)
    assert set(first.limits) == {"reporting_lag"}


def test_a_structure_tells_what_no_number_can_say():
    base = structure(STUDY)
    assert structure(opened(STUDY)) == base
    for other in (
        STUDY.assuming(payload=18),
        STUDY.variant("sea_route").without("feb_2024"),
        STUDY.without("feb_2024"),
        STUDY.asking("2024-04-01"),
        STUDY.on_named_days(),
        issued(STUDY, lambda issuer, report: report),
    ):
        assert structure(other) != base


def test_a_template_is_not_used_for_a_file_that_reads_its_study_itself(tmp_path):
    text = shelf.find("steady").text
    for change in (
        text.replace("    with terms", "    knot = study.knot\n    with terms"),
        text.replace("        terms.flow", "        model.study.knot\n        terms.flow"),
        text.replace("    with terms", "    other = study\n    with terms"),
    ):
        assert change != text
        path = tmp_path / "mine.py"
        path.write_text(change, encoding="utf-8")
        assert not shelf.find(path).reads_by_terms_only
    assert shelf.find("steady").reads_by_terms_only
    assert not shelf.find("wandering").reads_by_terms_only
