"""The HTML report of a result folder, made from its tables alone."""

from eistool.report.page.render import page_name, render_pages

__all__ = ["page_name", "render_pages"]
