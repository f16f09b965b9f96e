"""Figures for papers: vector files of a journal's width, with their source data."""

from eistool.report.figures.folder import KINDS, PaperFigure, draw_figures
from eistool.report.figures.style import FORMATS, WIDTHS_MM, save

__all__ = ["FORMATS", "KINDS", "WIDTHS_MM", "PaperFigure", "draw_figures", "save"]
