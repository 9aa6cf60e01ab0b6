"""Steady, too sure of its reports: their scatter is thought half as large. Calibration must find it out."""

from estimates import shelf


def build(study):
    """Steady, with the scale of the scatter halved in the fit."""
    model = shelf.find("steady").build(study)
    model.set_data("report_scatter_prior", 0.5 * model["report_scatter_prior"].get_value())
    return model
