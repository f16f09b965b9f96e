"""The HTML report of a result folder, made from its tables alone."""

from eistool.report.page.render import render_report

__all__ = ["render_report"]
